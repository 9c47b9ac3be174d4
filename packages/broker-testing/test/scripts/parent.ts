// A parent for the tests of the watchdog: starts a process that starts another one, says their pids, and waits.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guard } from '../../src/faults/guard.ts'
import { startProcess } from '../../src/faults/watched-process.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'ds-watchdog-test-'))
await guard({ folder })
const child = await startProcess({ command: 'sh', arguments: ['-c', 'sleep 300 & echo $!; wait'] })
while (child.output === '') await new Promise((resolve) => setTimeout(resolve, 5))
process.stdout.write(`${JSON.stringify({ pids: [child.pid, Number(child.output)], folder })}\n`)
