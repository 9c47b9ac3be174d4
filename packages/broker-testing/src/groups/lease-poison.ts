import type { Broker, Delivery, Outcome, Task } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal } from '../check.ts'
import { DONE, leaseOf, openConsumer, receiveNothing, receiveOne } from '../consuming.ts'
import { getTask, newTask, newTasks, submitAll, submitOne, untilState } from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'

export async function poisonEnds(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker, { lease: leaseOf(context) })
  const { id } = await submitOne(context, broker, { maxCrashes: 2, maxRetries: 10 })
  for (const attempt of [1, 2]) equal((await receiveOne(context, consumer)).lease.attempt, attempt, 'the attempt')
  // A waiting receive: some brokers find a lost lease only when somebody asks for tasks.
  const waiting = consumer.receive(1, context.signal)
  const ended = await untilState(context, broker, { id, state: 'ERROR' })
  equal([ended.crashes, ended.failures, ended.attempt], [2, 0, 2], 'the record after as many crashes as its limit')
  check(ended.completedAt !== undefined, 'a task in ERROR has no completedAt')
  const names = (await broker.errors(id)).map(({ error }) => error.name)
  equal(names, ['WorkerLost', 'WorkerLost'], 'the names of its errors')
  await submitOne(context, broker)
  equal(
    (await context.soon('the next task', waiting)).map(({ task }) => task.id !== id),
    [true],
    'that it is another one',
  )
  await receiveNothing(context, consumer, 300)
}

/**
 * Workers of 100 slots, each of which dies when it starts the poison task, with all that it holds. Neighbours lose a worker too, but
 * never twice: suspects do not meet.
 */
export async function poisonAmongThousand(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const poison = newTask(context)
  const neighbours = newTasks(context, 1000)
  await submitAll(broker, [...neighbours.slice(0, 300), poison, ...neighbours.slice(300)])
  const pool = new DyingPool(context, broker, poison.id)
  await pool.run()
  const ended = await getTask(broker, poison.id)
  equal([ended.state, ended.crashes, ended.attempt], ['ERROR', 3, 3], 'the poison task at last')
  equal(pool.deaths, 3, 'how many workers it has killed')
  const { DONE: done, ERROR: errors } = await broker.counts()
  equal([done, errors], [1000, 1], 'tasks DONE and in ERROR')
  const tasks = await broker.get(neighbours.map(({ id }) => id))
  const worst = Math.max(...tasks.map((task: Task | undefined) => task?.crashes ?? 0))
  check(worst <= 1, `a neighbour has lost ${worst} workers`)
}

class DyingPool {
  deaths = 0
  readonly #context: CaseContext
  readonly #broker: Broker
  readonly #poison: string
  #worker: TestWorker | undefined

  constructor(context: CaseContext, broker: Broker, poison: string) {
    this.#context = context
    this.#broker = broker
    this.#poison = poison
  }

  async run(): Promise<void> {
    await this.#startWorker()
    await this.#context.until(
      'all of 1,001 tasks to end',
      () => this.#allEnded(),
      100_000 * this.#context.settings.load,
    )
    await this.#worker?.stop()
  }

  async #startWorker(): Promise<void> {
    this.#worker = await TestWorker.start({
      broker: this.#broker,
      queues: [this.#context.queue],
      concurrency: 100,
      lease: leaseOf(this.#context),
      handle: (delivery) => this.#handle(delivery),
    })
  }

  async #handle({ task }: Delivery): Promise<Outcome> {
    if (task.id !== this.#poison) {
      // Longer than a tick, so that there are neighbours beside the poison when it strikes.
      await new Promise((resolve) => setTimeout(resolve, 5))
      return DONE
    }
    this.deaths += 1
    await this.#worker?.abandon()
    await this.#startWorker()
    return new Promise(() => undefined)
  }

  async #allEnded(): Promise<boolean> {
    const { QUEUED, RUNNING } = await this.#broker.counts()
    return QUEUED + RUNNING === 0
  }
}
