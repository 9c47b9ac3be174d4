import { Middleware } from '@moleculer/channels'
import { Kafka, logLevel } from 'kafkajs'
import { ServiceBroker } from 'moleculer'
import type { Middleware as MoleculerMiddleware } from 'moleculer'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const GROUP = 'workers'
const PARTITIONS = 16

/** moleculer-channels on Kafka. It keeps no state and no results; a message that is handled is committed. */
export async function openMoleculerKafka({ url, namespace }: SubjectOptions): Promise<Subject> {
  const { host } = new URL(url)
  const admin = new Kafka({ brokers: [host], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  await admin
    .createTopics({ topics: [{ topic: namespace, numPartitions: PARTITIONS }], waitForLeaders: false })
    .catch(() => undefined)
  const sender = brokerOf({ host, nodeID: `sender-${process.pid}`, maxInFlight: 1 })
  await sender.start()
  const send = (args: BenchArgs): Promise<void> => channelsOf(sender).sendToChannel(namespace, args)
  return {
    versions: {
      '@moleculer/channels': await versionOf('@moleculer/channels'),
      moleculer: await versionOf('moleculer'),
      kafkajs: await versionOf('kafkajs'),
    },
    submit: send,
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await Promise.all(many.map(send))
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      const receiver = brokerOf({ host, nodeID: `receiver-${process.pid}`, maxInFlight: concurrency })
      const handler = async (args: BenchArgs): Promise<void> => onStart(args)
      receiver.createService({
        name: 'bench',
        channels: { [namespace]: { group: GROUP + namespace, kafka: { fromBeginning: true }, handler } },
      })
      await receiver.start()
      return { stop: () => receiver.stop() }
    },
    async pending(): Promise<number> {
      const ends = await admin.fetchTopicOffsets(namespace)
      const [committed] = await admin.fetchOffsets({ groupId: GROUP + namespace, topics: [namespace] })
      const done = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
      return ends.reduce((sum, { partition, high }) => sum + Number(high) - Math.max(0, done.get(partition) ?? 0), 0)
    },
    async close(): Promise<void> {
      await sender.stop()
      await admin.disconnect()
    },
  }
}

interface BrokerSettings {
  readonly host: string
  readonly nodeID: string
  readonly maxInFlight: number
}

function brokerOf({ host, nodeID, maxInFlight }: BrokerSettings): ServiceBroker {
  const kafka = { brokers: [host], logLevel: logLevel.NOTHING }
  // Its types ask for every option of every adapter, and do not fit those of moleculer.
  const adapter = { type: 'Kafka', options: { kafka, maxInFlight } } as unknown as MiddlewareOptions['adapter']
  const channels: unknown = Middleware({ adapter } as MiddlewareOptions)
  return new ServiceBroker({ nodeID, logger: false, metrics: false, middlewares: [channels as MoleculerMiddleware] })
}

type MiddlewareOptions = Parameters<typeof Middleware>[0]

/** What the middleware adds to a broker. */
interface Channels {
  sendToChannel(channel: string, payload: unknown): Promise<void>
}

function channelsOf(broker: ServiceBroker): Channels {
  return broker as unknown as Channels
}
