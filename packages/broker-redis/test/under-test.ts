import { startBehindProxy, startRedis, startRedisCluster } from '@ds/broker-testing'
import type { BrokerUnderTest, FaultyServer, TargetOptions, TestServer } from '@ds/broker-testing'
import { Cluster, Redis } from 'ioredis'
import { createRedisBroker } from '../src/index.ts'
import type { RedisBrokerOptions } from '../src/index.ts'
import { garbageTools, keysOf, usageOf } from './tools.ts'

/** A server that is there for the run, and how to end it. */
interface Ground {
  /** As the broker takes it. */
  readonly url: string
  readonly cluster: boolean
  readonly close: () => Promise<void>
}

/** The Redis broker, as the kit takes it. With `cluster` as the server it starts three masters of its own. */
export async function brokerUnderTest({ server }: TargetOptions = {}): Promise<BrokerUnderTest> {
  const ground = await prepare(server)
  const { url, cluster } = ground
  const { hostname: host, port } = new URL(url)
  const address = { host, port: Number(port), cluster }
  const tools = cluster ? new Cluster([address]) : new Redis(url)
  const model = cluster ? new Cluster([address], { lazyConnect: true }) : new Redis(url, { lazyConnect: true })
  return {
    name: 'redis',
    server: await versionOf(tools, cluster),
    create: (options) => createRedisBroker({ url, ...options }),
    child: { module: import.meta.resolve('@ds/broker-redis'), options: { url } },
    capabilities: { shared: true, persistent: true, claimAhead: 32, takeover: 0, list: 'indexed', queueLimit: true },
    ...(!cluster && { startServer }),
    addresses: {
      url: (options) => createRedisBroker({ ...options, url }),
      'host and port': (options) => createRedisBroker({ ...options, ...address }),
      'a client made before': (options) => createRedisBroker({ ...options, client: model }),
    },
    invalid: invalidOptions(),
    unreachable: () => createRedisBroker({ host: '127.0.0.1', port: 1, cluster }),
    refused: {
      'a wrong password': () => createRedisBroker({ ...address, username: 'nobody', password: 'wrong' }),
    },
    garbage: garbageTools(tools),
    footprint: (namespace) => keysOf(tools, namespace),
    ...(!cluster && { usage: ({ url: other }) => usageOf(other ?? url) }),
    close: async () => {
      tools.disconnect()
      model.disconnect()
      await ground.close()
    },
  }
}

async function prepare(server: string | undefined): Promise<Ground> {
  if (server === 'cluster') {
    const cluster = await startRedisCluster({})
    const url = `${cluster.members[0]?.url}?cluster=true`
    return { url, cluster: true, close: () => cluster.close() }
  }
  if (server !== undefined) {
    return { url: server, cluster: server.includes('cluster=true'), close: () => Promise.resolve() }
  }
  const own = await startRedis({})
  return { url: own.url, cluster: false, close: () => own.close() }
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

async function versionOf(client: Redis | Cluster, cluster: boolean): Promise<string> {
  const version = /redis_version:(\S+)/.exec(await client.info('server'))?.[1] ?? 'unknown'
  return cluster ? `${version}, cluster` : version
}

function startServer({ proxied }: { proxied: boolean }): Promise<FaultyServer> {
  return proxied ? faultyBehindProxy() : startRedis({ ownProcess: true }).then(faulty)
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
