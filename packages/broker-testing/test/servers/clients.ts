import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { NodeConnectionOptions } from '@nats-io/transport-node'
import { Redis } from 'ioredis'
import type { RedisOptions } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import type { KafkaConfig } from 'kafkajs'

/** What the tests ask of any server: keep values, and give all of them back in order. */
export interface Session {
  write(value: string): Promise<void>
  read(): Promise<string[]>
  close(): Promise<void>
}

export async function openRedis(url: string, options: Pick<RedisOptions, 'tls'> = {}): Promise<Session> {
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null, ...options })
  client.on('error', () => undefined)
  return {
    write: async (value) => void (await client.rpush('values', value)),
    read: () => client.lrange('values', 0, -1),
    close: async () => client.disconnect(),
  }
}

export async function openNats(url: string, options: NodeConnectionOptions = {}): Promise<Session> {
  const { hostname, port, username, password } = new URL(url)
  const connection = await connect({
    servers: `${hostname}:${port}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 50,
    ...(username === '' ? {} : { user: username, pass: password }),
    ...options,
  })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: 'values', subjects: ['values'], num_replicas: 1 })
  return {
    // What is under way when a connection breaks gets no answer; the message id makes asking again harmless.
    write: async (value) => {
      const options = { msgID: value, timeout: 1_000, retries: 20 }
      await jetstream(connection).publish('values', value, options)
    },
    read: async () => {
      const { state } = await manager.streams.info('values')
      const positions = Array.from({ length: state.messages }, (_, index) => state.first_seq + index)
      const messages = await Promise.all(positions.map((seq) => manager.streams.getMessage('values', { seq })))
      return messages.map((message) => message?.string() ?? '')
    },
    close: () => connection.close(),
  }
}

export async function openKafka(url: string, options: Partial<KafkaConfig> = {}): Promise<Session> {
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 }
  const brokers = [new URL(url).host]
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry, ...options })
  const admin = kafka.admin()
  const producer = kafka.producer()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'values', numPartitions: 1 }] })
  await producer.connect()
  return {
    write: async (value) => void (await producer.send({ topic: 'values', acks: -1, messages: [{ value }] })),
    read: () => readTopic(kafka, 'values'),
    close: async () => {
      await Promise.all([producer.disconnect(), admin.disconnect()])
    },
  }
}

/** A group of its own each time, so that it begins at the beginning; done when it has the last offset. */
async function readTopic(kafka: Kafka, topic: string): Promise<string[]> {
  const admin = kafka.admin()
  await admin.connect()
  const [end] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const values: string[] = []
  const count = Number(end?.high ?? 0)
  if (count === 0) return values
  const consumer = kafka.consumer({ groupId: `reader-${crypto.randomUUID()}`, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }): Promise<void> => {
      values.push(message.value?.toString() ?? '')
      if (values.length === count) resolve()
    }
    consumer.run({ eachMessage }).catch(reject)
  })
  await consumer.disconnect()
  return values
}
