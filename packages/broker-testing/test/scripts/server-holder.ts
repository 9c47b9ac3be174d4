// A parent for the test that servers end with it: starts one, says where it is, and waits to be killed.
import { startServer } from '../../src/servers/start.ts'
import type { ServerKind } from '../../src/servers/server.ts'

const { pid, dataDir } = await startServer(process.argv[2] as ServerKind, { ownProcess: true })
process.stdout.write(`${JSON.stringify({ pid, dataDir })}\n`)
