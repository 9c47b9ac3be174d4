import { serveMember } from '../isolation/member-session.ts'
import type { ToMember } from '../isolation/protocol.ts'
import { endWithParent } from '../isolation/parent-watch.ts'

endWithParent()
// A Ctrl-C reaches every process of a terminal: the worker decides what becomes of the task.
process.on('SIGINT', () => undefined)
process.on('SIGTERM', () => undefined)

serveMember({
  isolation: 'process',
  // What cannot be sent is not missed: the worker is gone, and this process ends with it.
  send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
  onMessage: (listener) => process.on('message', (message: ToMember) => listener(message)),
  exit: () => process.exit(0),
})
