import { connect as connectPlain } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { loopback } from '../faults/ports.ts'
import type { Certificates } from './certificates.ts'

/** Where to ask, and what to show and trust there. */
export interface Address {
  port: number
  certificates?: Certificates | undefined
}

// Loopback: what does not answer by then is not ready.
const answerTimeoutMs = 2_000

/**
 * Sends bytes and collects the answer until `isComplete` says so.
 *
 * @throws Error when the connection fails, ends or stays silent for 2 s before that.
 */
export async function exchange(
  address: Address,
  request: Buffer,
  isComplete: (received: Buffer) => boolean,
): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const socket = open(address)
  let received: Buffer = Buffer.alloc(0)
  socket.setTimeout(answerTimeoutMs, () => reject(new Error(`no answer within ${answerTimeoutMs / 1000} s`)))
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    if (isComplete(received)) resolve(received)
  })
  socket.on('error', reject)
  socket.on('close', () => reject(new Error('the connection was closed')))
  socket.write(request)
  return promise.finally(() => socket.destroy())
}

function open({ port, certificates }: Address): Socket {
  if (certificates === undefined) return connectPlain({ host: loopback, port })
  const { certificate, key } = certificates.client
  return connectSecurely({ host: loopback, port, ca: certificates.authority, cert: certificate, key })
}
