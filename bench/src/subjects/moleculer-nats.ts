import { Middleware } from '@moleculer/channels'
import { ServiceBroker } from 'moleculer'
import type { Middleware as MoleculerMiddleware } from 'moleculer'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const GROUP = 'workers'

/** moleculer-channels on NATS JetStream. It keeps no state and no results; a message that is handled is acknowledged. */
export async function openMoleculerNats({ url, namespace }: SubjectOptions): Promise<Subject> {
  const client = await connect({ servers: new URL(url).host })
  const manager = await jetstreamManager(client)
  // Its own publisher expects that a subscriber has made the stream before.
  await manager.streams.add({ name: namespace, subjects: [namespace] })
  const sender = brokerOf({ url, nodeID: `sender-${process.pid}`, maxInFlight: 1 })
  await sender.start()
  const send = (args: BenchArgs): Promise<void> => channelsOf(sender).sendToChannel(namespace, args)
  return {
    versions: {
      '@moleculer/channels': await versionOf('@moleculer/channels'),
      moleculer: await versionOf('moleculer'),
      nats: await versionOf('nats'),
    },
    submit: send,
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      await Promise.all(many.map(send))
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      const receiver = brokerOf({ url, nodeID: `receiver-${process.pid}`, maxInFlight: concurrency })
      const handler = async (args: BenchArgs): Promise<void> => onStart(args)
      receiver.createService({ name: 'bench', channels: { [namespace]: { group: GROUP, handler } } })
      await receiver.start()
      return { stop: () => receiver.stop() }
    },
    async pending(): Promise<number> {
      const { num_pending: waiting, num_ack_pending: running } = await manager.consumers.info(namespace, GROUP)
      return waiting + running
    },
    async close(): Promise<void> {
      await sender.stop()
      await client.close()
    },
  }
}

interface BrokerSettings {
  readonly url: string
  readonly nodeID: string
  readonly maxInFlight: number
}

function brokerOf({ url, nodeID, maxInFlight }: BrokerSettings): ServiceBroker {
  // The default leaves out what was published before the first subscriber came.
  const nats = { url, consumerOptions: { config: { deliver_policy: 'all' } } }
  // Its types ask for every option of every adapter, and do not fit those of moleculer.
  const adapter = { type: 'NATS', options: { nats, maxInFlight } } as unknown as MiddlewareOptions['adapter']
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
