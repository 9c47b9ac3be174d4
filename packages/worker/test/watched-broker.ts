import { createMemoryBroker } from '@ds/core'
import type { MemoryBroker, TaskConsumer } from '@ds/core'

/** A memory broker whose consumers go through `change`: to hold back calls, fail them, or see them. */
export function brokerWith(change: (consumer: TaskConsumer) => Partial<TaskConsumer>): MemoryBroker {
  const broker = createMemoryBroker()
  const openConsumer = broker.openConsumer.bind(broker)
  broker.openConsumer = async (options) => {
    const consumer = await openConsumer(options)
    const unchanged: TaskConsumer = {
      receive: (max, signal) => consumer.receive(max, signal),
      renew: (items) => consumer.renew(items),
      settle: (items) => consumer.settle(items),
      drain: () => consumer.drain(),
      close: () => consumer.close(),
    }
    return { ...unchanged, ...change(consumer) }
  }
  return broker
}
