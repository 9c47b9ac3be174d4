import { MemoryBroker } from '@ds/core'
import type { Broker, BrokerOptions, ConsumerOptions, Delivery, TaskConsumer } from '@ds/core'
import type { Rule } from '../rules.ts'
import { BrokerWrapper, ConsumerWrapper } from './wrappers.ts'

/** A broker that breaks one rule and keeps the others, to show that the kit sees it. */
export interface BrokenBroker {
  /** What it does, as in `delivers twice`. */
  readonly name: string
  /** The rule it breaks. */
  readonly rule: Rule
  /** Cases of that rule that it must fail, by their full name. */
  readonly cases: readonly string[]
  readonly wrap: (broker: Broker) => Broker
  /** Instead of breaking calls: other options than asked for. */
  readonly options?: (options: BrokerOptions) => BrokerOptions
}

/** A broker around another. Subclasses break one thing. */
export class Broken extends BrokerWrapper {
  readonly inner: Broker

  constructor(inner: Broker) {
    super()
    this.inner = inner
  }
}

/** A broker whose consumers are broken. */
export function withConsumers(
  make: (consumer: TaskConsumer, context: { broker: Broker; options: ConsumerOptions }) => TaskConsumer,
): (broker: Broker) => Broker {
  return (broker) =>
    new (class extends Broken {
      override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
        return make(await this.inner.openConsumer(options), { broker: this.inner, options })
      }
    })(broker)
}

/** A broker whose deliveries are changed on the way. */
export function withDeliveries(change: (deliveries: Delivery[]) => Delivery[]): (broker: Broker) => Broker {
  return withConsumers(
    (consumer) =>
      new (class extends ConsumerWrapper {
        override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
          return change(await this.inner.receive(max, signal))
        }
      })(consumer),
  )
}

const notes = new WeakMap<MemoryBroker, Map<string, unknown>>()

/** What the broken brokers of one store share: made at the first call, the same for all views of it. */
export function sharedBy<Note>(broker: Broker, name: string, make: () => Note): Note {
  const store = storeOf(broker)
  const ofStore = notes.get(store) ?? new Map<string, unknown>()
  notes.set(store, ofStore)
  if (!ofStore.has(name)) ofStore.set(name, make())
  return ofStore.get(name) as Note
}

function storeOf(broker: Broker): MemoryBroker {
  if (broker instanceof MemoryBroker) return broker
  if (broker instanceof BrokerWrapper) return storeOf(broker.inner)
  throw new Error('Broken brokers wrap memory brokers')
}
