#!/usr/bin/env node
import { setMaxListeners } from 'node:events'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`ds: needs Node 22.18 or later, this is ${process.versions.node}. Install a newer Node\n`)
  process.exit(2)
}

silenceTypeStripping()
// A worker listens to one signal per task that runs.
setMaxListeners(0)
const { endProcess, guardProcess } = await import('./process-end.ts')
guardProcess()
const { main } = await import('./main.ts')
// Not awaited here: Node has its own words for a module that never ends.
void main(process.argv.slice(2)).then(endProcess)

/** Loading an App's TypeScript as it is is what ds is for: Node's note that it does so says nothing to its users. */
function silenceTypeStripping(): void {
  const emit = process.emitWarning.bind(process)
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes('Type Stripping')) return
    emit(warning, ...(rest as []))
  }
}
