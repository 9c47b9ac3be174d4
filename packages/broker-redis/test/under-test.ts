import { startBehindProxy, startRedis } from '@ds/broker-testing'
import type { BrokerUnderTest, FaultyServer, TargetOptions, TestServer } from '@ds/broker-testing'
import { Redis } from 'ioredis'
import { createRedisBroker } from '../src/index.ts'
import type { RedisBrokerOptions } from '../src/index.ts'
import { garbageTools, keysOf } from './tools.ts'

/** The Redis broker, as the kit takes it. */
export async function brokerUnderTest({ server }: TargetOptions = {}): Promise<BrokerUnderTest> {
  const own = server === undefined ? await startRedis({}) : undefined
  const url = server ?? own?.url ?? ''
  const { hostname: host, port } = new URL(url)
  const tools = new Redis(url)
  const model = new Redis(url, { lazyConnect: true })
  return {
    name: 'redis',
    server: await versionOf(tools),
    create: (options) => createRedisBroker({ url, ...options }),
    child: { module: import.meta.resolve('@ds/broker-redis'), options: { url } },
    capabilities: { shared: true, persistent: true, claimAhead: 0, takeover: 0, list: 'indexed', queueLimit: true },
    startServer: ({ proxied }) => (proxied ? faultyBehindProxy() : startRedis({ ownProcess: true }).then(faulty)),
    addresses: {
      url: (options) => createRedisBroker({ ...options, url }),
      'host and port': (options) => createRedisBroker({ ...options, host, port: Number(port) }),
      'a client made before': (options) => createRedisBroker({ ...options, client: model }),
    },
    invalid: invalidOptions(),
    unreachable: () => createRedisBroker({ host: '127.0.0.1', port: 1 }),
    refused: { 'a wrong password': () => createRedisBroker({ url: `redis://nobody:wrong@${host}:${port}` }) },
    garbage: garbageTools(tools),
    footprint: (namespace) => keysOf(tools, namespace),
    close: async () => {
      tools.disconnect()
      model.disconnect()
      await own?.close()
    },
  }
}

function invalidOptions(): Record<string, () => ReturnType<typeof createRedisBroker>> {
  const options: Record<string, RedisBrokerOptions> = {
    'another scheme': { url: 'http://127.0.0.1:6379' },
    'no URL': { url: 'not a url' },
    'an unknown parameter': { url: 'redis://127.0.0.1:6379?retries=3' },
    'a port out of range': { port: 70_000 },
    'a namespace with capitals': { namespace: 'Production' },
    'a negative retention': { retention: { age: -1 } },
    'a payload of nothing': { maxPayload: 0 },
  }
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, () => createRedisBroker(option)]))
}

async function versionOf(client: Redis): Promise<string> {
  return /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown'
}

function faulty(server: TestServer): FaultyServer {
  return {
    url: server.url,
    stop: () => server.stop(),
    start: () => server.start(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    close: () => server.close(),
  }
}

async function faultyBehindProxy(): Promise<FaultyServer> {
  const { server, proxy, url, close } = await startBehindProxy('redis', {})
  return { ...faulty(server), url, proxy, close }
}
