import { createServer } from 'node:net'
import type { Server } from 'node:net'

/** The only address that servers and proxies of this package listen on. */
export const loopback = '127.0.0.1'

// Below the ports that systems hand out for outgoing connections (from 32768 on Linux, 49152 elsewhere). A client that
// calls a stopped server's port over and over could else be given that very port as its own, and connect to itself.
const lowestPort = 20_000
const highestPort = 31_999

/** A loopback port on which nobody listens at this moment. Somebody may take it: be ready to try another one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort + 1))
    const server = createServer()
    try {
      await listenOn(server, port)
    } catch (error) {
      if (isPortTaken(error)) continue
      throw error
    }
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

/** Resolves when the server listens on the loopback port; rejects with `EADDRINUSE` when it is taken. */
export async function listenOn(server: Server, port: number): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, loopback, resolve)
  await promise.finally(() => server.off('error', reject))
}

/** Whether listening failed because somebody else listens there. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
