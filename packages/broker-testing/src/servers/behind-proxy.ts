import { TcpProxy } from '../faults/tcp-proxy.ts'
import type { ServerKind, TestServer } from './server.ts'
import { startServer } from './start.ts'
import type { ServerOptions } from './start.ts'

/** A server of its own process that clients reach through a proxy. */
export interface ProxiedServer extends AsyncDisposable {
  readonly server: TestServer
  readonly proxy: TcpProxy
  /** The server's URL by way of the proxy. */
  readonly url: string
  /** Ends both. */
  close(): Promise<void>
}

/**
 * Starts a server that clients reach through a proxy which can cut, freeze and slow their connections.
 *
 * A Kafka broker announces the proxy's address, or its clients would go past the proxy after their first question.
 *
 * @throws what `startServer` throws.
 */
export async function startBehindProxy<Kind extends ServerKind>(
  kind: Kind,
  options: ServerOptions[Kind],
): Promise<ProxiedServer> {
  const proxy = await TcpProxy.start()
  try {
    const announced = kind === 'kafka' ? { announcedPort: proxy.port } : {}
    const server = await startServer(kind, { ...options, ...announced, ownProcess: true })
    proxy.forwardTo(server)
    const close = async (): Promise<void> => {
      await Promise.all([proxy.close(), server.close()])
    }
    return { server, proxy, url: proxy.url, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await proxy.close()
    throw error
  }
}
