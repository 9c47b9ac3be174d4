import type { FaultyServer } from './broker-under-test.ts'
import { startBehindProxy } from './servers/behind-proxy.ts'
import type { ServerKind, TestServer } from './servers/server.ts'
import { startServer } from './servers/start.ts'
import type { ServerOptions } from './servers/start.ts'

/**
 * A Redis, NATS or Kafka server for one case alone, as {@link BrokerUnderTest.startServer} gives it: with `proxied` its clients go
 * through a proxy that can cut, freeze and slow them.
 *
 * @throws ServerUnavailableError, ServerStartError
 */
export async function startFaultyServer<Kind extends ServerKind>(
  kind: Kind,
  { proxied }: { proxied: boolean },
  options: ServerOptions[Kind],
): Promise<FaultyServer> {
  if (!proxied) return startServer(kind, { ...options, ownProcess: true })
  const started = await startBehindProxy(kind, options)
  const { url, proxy } = started
  return { ...controlsOf(started.server), url, proxy, close: () => started.close() }
}

function controlsOf(server: TestServer): Omit<FaultyServer, 'url' | 'close'> {
  return {
    stop: () => server.stop(),
    start: () => server.start(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
  }
}
