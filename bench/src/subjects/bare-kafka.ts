import { Kafka, logLevel } from 'kafkajs'
import type { Admin, Consumer } from 'kafkajs'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const GROUP = 'workers'
const PARTITIONS = 16

/** The least that could work on the bare client: acks=all, what is sent at once goes together. No state, no results, no retries. */
export async function openBareKafka({ url, namespace }: SubjectOptions): Promise<Subject> {
  const kafka = new Kafka({ brokers: [new URL(url).host], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  const producer = kafka.producer()
  await Promise.all([admin.connect(), producer.connect()])
  const topics = [{ topic: namespace, numPartitions: PARTITIONS }]
  // Sender and receiver both create it; the second is told that it is there.
  await admin.createTopics({ topics, waitForLeaders: false }).catch(() => undefined)
  await leaders(admin, namespace)
  const send = async (many: readonly BenchArgs[]): Promise<void> => {
    const messages = many.map((args) => ({ key: String(args.n), value: JSON.stringify(args) }))
    await producer.send({ topic: namespace, acks: -1, messages })
  }
  return {
    versions: { kafkajs: await versionOf('kafkajs') },
    submit: (args) => send([args]),
    submitMany: send,
    startWorker: (_concurrency, onStart) =>
      startReader(kafka.consumer({ groupId: GROUP + namespace }), namespace, onStart),
    async pending(): Promise<number> {
      const ends = await admin.fetchTopicOffsets(namespace)
      const [committed] = await admin.fetchOffsets({ groupId: GROUP + namespace, topics: [namespace] })
      const done = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]))
      return ends.reduce((sum, { partition, high }) => sum + Number(high) - Math.max(0, done.get(partition) ?? 0), 0)
    },
    async close(): Promise<void> {
      await Promise.all([producer.disconnect(), admin.disconnect()])
    },
  }
}

async function startReader(
  consumer: Consumer,
  topic: string,
  onStart: (args: BenchArgs) => void,
): Promise<RunningWorker> {
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 100,
    eachBatch: async (payload) => {
      for (const { value, offset } of payload.batch.messages) {
        onStart(JSON.parse(String(value)) as BenchArgs)
        payload.resolveOffset(offset)
      }
      await payload.heartbeat()
      await payload.commitOffsetsIfNecessary()
    },
  })
  return { stop: () => consumer.disconnect() }
}

/** A topic that was created a moment ago takes no messages yet. */
async function leaders(admin: Admin, topic: string): Promise<void> {
  for (;;) {
    const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined)
    const partitions = found?.topics[0]?.partitions ?? []
    if (partitions.length === PARTITIONS && partitions.every(({ leader }) => leader >= 0)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
