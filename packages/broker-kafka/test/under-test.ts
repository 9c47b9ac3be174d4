import { startFaultyServer, startKafka } from '@ds/broker-testing'
import type { BrokerUnderTest, KafkaOptions, TargetOptions } from '@ds/broker-testing'
import { createKafkaBroker } from '../src/index.ts'
import type { KafkaBroker, KafkaBrokerOptions } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { createKafkaPort } from '../src/port/kafkajs-port.ts'
import { garbageTools, recordsHeld } from './tools.ts'

/** The Kafka broker, as the kit takes it. DS_TEST_KAFKA_VERSION chooses the server, as in `3.9.2`. */
export async function brokerUnderTest({ server }: TargetOptions = {}): Promise<BrokerUnderTest> {
  const options = serverOptions()
  const own = server === undefined ? await startKafka(options) : undefined
  const url = server ?? own?.url ?? ''
  const hosts = url.replace(/^kafka:\/\/|\?.*$/g, '')
  const [host = '', port = ''] = hosts.split(':')
  const tools = createKafkaPort(resolveOptions({ url }).connection)
  await tools.connect()
  return {
    name: 'kafka',
    server: own?.version ?? 'unknown',
    create: (more) => createKafkaBroker({ url, ...more }),
    child: { module: import.meta.resolve('../dist/index.js'), options: { url } },
    capabilities: { shared: true, persistent: true, list: 'view', settlement: 'recorded', queueLimit: true },
    // A broker takes some seconds to start, and its own fencing as long again.
    tolerances: { recovery: 30_000, patience: 20_000, unavailable: 15_000 },
    startServer: (more) => startFaultyServer('kafka', more, options),
    addresses: {
      url: (more) => createKafkaBroker({ ...more, url }),
      'URLs with commas': (more) => createKafkaBroker({ ...more, url: `kafka://${host}:${port},${host}:${port}` }),
    },
    invalid: invalidOptions(),
    unreachable: () => createKafkaBroker({ url: 'kafka://127.0.0.1:1' }),
    garbage: garbageTools(tools),
    footprint: (namespace) => recordsHeld(tools, namespace),
    close: async () => {
      await tools.close()
      await own?.close()
    },
  }
}

function serverOptions(): KafkaOptions {
  const version = process.env['DS_TEST_KAFKA_VERSION'] as KafkaOptions['version']
  return version === undefined ? {} : { version }
}

function invalidOptions(): Record<string, () => KafkaBroker> {
  const options: Record<string, KafkaBrokerOptions> = {
    'another scheme': { url: 'http://127.0.0.1:9092' },
    'no host': { url: 'kafka://' },
    'an unknown parameter': { url: 'kafka://127.0.0.1:9092?retries=3' },
    'a namespace with capitals': { namespace: 'Production' },
    'a negative retention': { retention: { age: -1 } },
    'a payload of nothing': { maxPayload: 0 },
  }
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, () => createKafkaBroker(option)]))
}
