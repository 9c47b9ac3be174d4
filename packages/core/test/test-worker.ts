import type { Broker, Delivery, Outcome, TaskConsumer } from '../src/index.ts'

/** A consumer that tests drive by hand. */
export interface TestWorker extends AsyncDisposable {
  readonly consumer: TaskConsumer
  /** The next task, claimed. */
  take(): Promise<Delivery>
  settle(delivery: Delivery, outcome: Outcome): Promise<void>
  progress(delivery: Delivery, progress: number): Promise<void>
  /** Takes the next task and ends it at once. */
  finish(outcome?: Outcome): Promise<Delivery>
}

export const DONE: Outcome = { type: 'done', result: '"result"' }

export async function openTestWorker(broker: Broker, queues: readonly string[] = ['default']): Promise<TestWorker> {
  const consumer = await broker.openConsumer({ queues, workerId: 'test', lease: 60_000, onCancel: () => undefined })
  const worker: TestWorker = {
    consumer,
    async take() {
      const [delivery] = await consumer.receive(1, AbortSignal.timeout(5000))
      if (!delivery) throw new Error('no task came within five seconds')
      return delivery
    },
    async settle(delivery, outcome) {
      await consumer.settle([{ lease: delivery.lease, outcome }])
    },
    async progress(delivery, progress) {
      await consumer.renew([{ lease: delivery.lease, progress }])
    },
    async finish(outcome = DONE) {
      const delivery = await worker.take()
      await worker.settle(delivery, outcome)
      return delivery
    },
    [Symbol.asyncDispose]: () => consumer.close(),
  }
  return worker
}
