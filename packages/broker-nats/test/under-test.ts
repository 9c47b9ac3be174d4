import { startBehindProxy, startNats, startNatsCluster } from '@ds/broker-testing'
import type { BrokerUnderTest, FaultyServer, NatsOptions, ServerControl, TargetOptions } from '@ds/broker-testing'
import { connect } from '@nats-io/transport-node'
import { createNatsBroker } from '../src/index.ts'
import type { NatsBroker, NatsBrokerOptions } from '../src/index.ts'
import { garbageTools, messagesOf, serverVersion } from './tools.ts'

/**
 * The NATS broker, as the kit takes it. DS_TEST_NATS_VERSION chooses the server: `debian`, `latest`, `2.10.27`; with `cluster` as the server
 * it is three of them, and every stream has three replicas.
 */
export async function brokerUnderTest({ server: given }: TargetOptions = {}): Promise<BrokerUnderTest> {
  const cluster = given === 'cluster' || process.env['DS_TEST_NATS_CLUSTER'] === '1'
  const server = given === 'cluster' ? undefined : given
  const options = serverOptions(cluster)
  const own = server === undefined ? await startOwn(options, cluster) : undefined
  const closed = await startNats({ ...options, users: [{ name: 'ada', password: 'right' }], ownProcess: true })
  const bare = await startNats({ ...options, jetStream: false, ownProcess: true })
  const url = server ?? own?.url ?? ''
  const hosts = url.replace(/^nats:\/\/|\?.*$/g, '')
  const client = await connect({ servers: hosts.split(',') })
  return {
    name: 'nats',
    server: client.info?.version ?? 'unknown',
    create: (more) => createNatsBroker({ url, ...more }),
    child: { module: import.meta.resolve('../dist/index.js'), options: { url } },
    capabilities: {
      shared: true,
      persistent: true,
      claimAhead: 0,
      list: 'view',
      settlement: 'decided',
      queueLimit: true,
    },
    // A whole cluster takes some ten seconds to start, which every bound for a restart holds too.
    ...(cluster && { tolerances: { recovery: 45_000, patience: 45_000, unavailable: 20_000 } }),
    startServer: ({ proxied }) =>
      proxied ? faultyBehindProxy(options) : startOwn({ ...options, ownProcess: true }, cluster),
    addresses: {
      url: (more) => createNatsBroker({ ...more, url }),
      'URLs with commas': (more) => createNatsBroker({ ...more, url: `nats://${hosts},nats://${hosts}` }),
      'a client made before': (more) => createNatsBroker({ ...more, client }),
    },
    invalid: invalidOptions(),
    unreachable: () => createNatsBroker({ url: 'nats://127.0.0.1:1' }),
    refused: {
      'a wrong password': () => createNatsBroker({ url: closed.url.replace('right', 'wrong') }),
      'a server without JetStream': () => createNatsBroker({ url: bare.url }),
    },
    garbage: garbageTools(client),
    footprint: (namespace) => messagesOf(client, namespace),
    close: async () => {
      await client.close()
      await Promise.all([own?.close(), closed.close(), bare.close()])
    },
  }
}

/** The newest for a cluster: before 2.9.21 the broker refuses replicas. */
function serverOptions(cluster: boolean): NatsOptions {
  return { ...(cluster && { version: 'latest' }), ...serverVersion() }
}

async function startOwn(options: NatsOptions, cluster: boolean): Promise<FaultyServer> {
  if (!cluster) {
    const server = await startNats(options)
    return faulty(server, server.url)
  }
  const { ownProcess: _own, ...ofMembers } = options
  const started = await startNatsCluster(ofMembers)
  return { ...faulty(started, `${started.url}?replicas=3`), members: started.members }
}

function invalidOptions(): Record<string, () => NatsBroker> {
  const options: Record<string, NatsBrokerOptions> = {
    'another scheme': { url: 'http://127.0.0.1:4222' },
    'no host': { url: 'nats://' },
    'an unknown parameter': { url: 'nats://127.0.0.1:4222?retries=3' },
    'a namespace with capitals': { namespace: 'Production' },
    'a negative retention': { retention: { age: -1 } },
    'a payload of nothing': { maxPayload: 0 },
    'seven replicas': { replicas: 7 },
  }
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, () => createNatsBroker(option)]))
}

function faulty(server: ServerControl, url: string): FaultyServer {
  return {
    url,
    stop: () => server.stop(),
    start: () => server.start(),
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    close: () => server.close(),
  }
}

async function faultyBehindProxy(options: NatsOptions): Promise<FaultyServer> {
  const { server, proxy, url, close } = await startBehindProxy('nats', options)
  return { ...faulty(server, url), proxy, close }
}
