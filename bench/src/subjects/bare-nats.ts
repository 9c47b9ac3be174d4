import { AckPolicy, jetstream, jetstreamManager, RetentionPolicy } from '@nats-io/jetstream'
import type { Consumer, JetStreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const GROUP = 'workers'

/** The least that could work on the bare client: a work queue and a pull consumer. No state, no results, no retries. */
export async function openBareNats({ url, namespace }: SubjectOptions): Promise<Subject> {
  const client = await connect({ servers: new URL(url).host, noAsyncTraces: true })
  const js = jetstream(client)
  const manager = await jetstreamManager(client)
  await prepare(manager, namespace)
  const send = async (args: BenchArgs): Promise<void> => void (await js.publish(namespace, JSON.stringify(args)))
  return {
    versions: { '@nats-io/jetstream': await versionOf('@nats-io/jetstream') },
    submit: send,
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await Promise.all(many.map(send))
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      return consume(await js.consumers.get(namespace, GROUP), concurrency, onStart)
    },
    async pending(): Promise<number> {
      const { num_pending: waiting, num_ack_pending: running } = await manager.consumers.info(namespace, GROUP)
      return waiting + running
    },
    close: () => client.close(),
  }
}

/** Sender and receiver both ask for it; it is the same. */
async function prepare(manager: JetStreamManager, namespace: string): Promise<void> {
  await manager.streams.add({ name: namespace, subjects: [namespace], retention: RetentionPolicy.Workqueue })
  await manager.consumers.add(namespace, { durable_name: GROUP, ack_policy: AckPolicy.Explicit })
}

async function consume(
  consumer: Consumer,
  concurrency: number,
  onStart: (args: BenchArgs) => void,
): Promise<RunningWorker> {
  const messages = await consumer.consume({ max_messages: concurrency })
  const reading = (async () => {
    for await (const message of messages) {
      onStart(message.json<BenchArgs>())
      message.ack()
    }
  })()
  return {
    async stop(): Promise<void> {
      await messages.close()
      await reading
    },
  }
}
