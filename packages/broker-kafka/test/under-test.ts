import { startFaultyServer, startKafka, startKafkaCluster } from '@ds/broker-testing'
import type { BrokerUnderTest, FaultyServer, KafkaOptions, ServerControl, TargetOptions } from '@ds/broker-testing'
import { Kafka, logLevel } from 'kafkajs'
import { createKafkaBroker } from '../src/index.ts'
import type { KafkaBroker, KafkaBrokerOptions } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { createKafkaPort } from '../src/port/kafkajs-port.ts'
import { garbageTools, recordsHeld } from './tools.ts'

/**
 * The Kafka broker, as the kit takes it. DS_TEST_KAFKA_VERSION chooses the server, as in `3.9.2`; with `cluster` as the server it is
 * three of them, and every topic has three replicas, two of which must be in sync.
 */
export async function brokerUnderTest({ server: given }: TargetOptions = {}): Promise<BrokerUnderTest> {
  const cluster = given === 'cluster' || process.env['DS_TEST_KAFKA_CLUSTER'] === '1'
  const server = given === 'cluster' ? undefined : given
  const options = serverOptions()
  const own = server === undefined ? await startOwn(options, cluster) : undefined
  const url = server ?? own?.url ?? ''
  const hosts = url.replace(/^kafka:\/\/|\?.*$/g, '')
  const closed = await startKafka({ ...options, sasl: { mechanism: 'PLAIN', users: [ADA] }, ownProcess: true })
  const tools = createKafkaPort(resolveOptions({ url }).connection)
  await tools.connect()
  return {
    name: 'kafka',
    server: own?.version ?? 'unknown',
    create: (more) => createKafkaBroker({ url, ...more }),
    child: { module: import.meta.resolve('../dist/index.js'), options: { url } },
    capabilities: { shared: true, persistent: true, list: 'view', settlement: 'recorded', queueLimit: true },
    // A server takes some seconds to start, and as long again to believe that it is the one that was there before.
    tolerances: { recovery: 30_000, patience: 20_000, ...(cluster && { recovery: 45_000, patience: 45_000 }) },
    startServer: ({ proxied }) => startFaulty({ proxied, cluster }, options),
    addresses: {
      url: (more) => createKafkaBroker({ ...more, url }),
      'a URL of several servers': (more) => createKafkaBroker({ ...more, url: `kafka://${hosts},${hosts}` }),
      'a list of servers': (more) => createKafkaBroker({ ...more, brokers: [hosts] }),
      'a client made before': (more) =>
        createKafkaBroker({ ...more, client: new Kafka({ brokers: [hosts], logLevel: logLevel.NOTHING }) }),
    },
    invalid: invalidOptions(),
    unreachable: () => createKafkaBroker({ url: 'kafka://127.0.0.1:1' }),
    refused: {
      'a wrong password': () => createKafkaBroker({ url: closed.url.replace(ADA.password, 'wrong') }),
    },
    garbage: garbageTools(tools),
    footprint: (namespace) => recordsHeld(tools, namespace),
    close: async () => {
      await tools.close()
      await Promise.all([own?.close(), closed.close()])
    },
  }
}

const ADA = { name: 'ada', password: 'right' }

function serverOptions(): KafkaOptions {
  const version = process.env['DS_TEST_KAFKA_VERSION'] as KafkaOptions['version']
  return version === undefined ? {} : { version }
}

/** One server, or three of them. */
async function startOwn(
  options: KafkaOptions,
  cluster: boolean,
): Promise<ServerControl & { readonly url: string; readonly version: string }> {
  if (!cluster) return startKafka(options)
  const { ownProcess: _own, announcedPort: _port, ...ofMembers } = options
  return startKafkaCluster(ofMembers)
}

/** A server that the kit may stop, kill and cut; behind a proxy it is a single one. */
async function startFaulty(
  { proxied, cluster }: { proxied: boolean; cluster: boolean },
  options: KafkaOptions,
): Promise<FaultyServer> {
  if (proxied || !cluster) return startFaultyServer('kafka', { proxied }, options)
  const { ownProcess: _own, announcedPort: _port, ...ofMembers } = options
  const started = await startKafkaCluster(ofMembers)
  return {
    url: started.url,
    members: started.members,
    stop: () => started.stop(),
    start: () => started.start(),
    kill: () => started.kill(),
    pause: () => started.pause(),
    resume: () => started.resume(),
    close: () => started.close(),
  }
}

function invalidOptions(): Record<string, () => KafkaBroker> {
  const options: Record<string, KafkaBrokerOptions> = {
    'another scheme': { url: 'http://127.0.0.1:9092' },
    'an unknown parameter': { url: 'kafka://127.0.0.1:9092?retries=3' },
    'a namespace with capitals': { namespace: 'Production' },
    'a negative retention': { retention: { age: -1 } },
    'a payload of nothing': { maxPayload: 0 },
  }
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, () => createKafkaBroker(option)]))
}
