import { parentPort } from 'node:worker_threads'
import { serveMember } from '../isolation/member-session.ts'
import type { ToMember } from '../isolation/protocol.ts'

const port = parentPort
if (!port) throw new Error('This module runs in a worker thread only')

serveMember({
  isolation: 'thread',
  send: (message) => port.postMessage(message),
  onMessage: (listener) => port.on('message', (message: ToMember) => listener(message)),
  // Ends this thread alone.
  exit: () => process.exit(0),
})
