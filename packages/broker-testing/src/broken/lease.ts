import type {
  Broker,
  CancelAnswer,
  ConsumerOptions,
  Delivery,
  NewTask,
  Renewal,
  RenewAnswer,
  Result,
  Settlement,
  SubmitAnswer,
  TaskConsumer,
} from '@ds/core'
import { Broken, sharedBy, withConsumers } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'
import { ConsumerWrapper } from './wrappers.ts'

const HELD: Result<RenewAnswer> = { ok: true, value: { status: 'held' } }

type Renewing = (items: readonly Renewal[], inner: TaskConsumer) => Promise<Result<RenewAnswer>[]>

function withRenewing(renew: Renewing): (broker: Broker) => Broker {
  return withConsumers(
    (consumer) =>
      new (class extends ConsumerWrapper {
        override renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
          return renew(items, this.inner)
        }
      })(consumer),
  )
}

/** Several consumers behind one: each of them may hold a task that has lost a worker. */
class HoldsSeveralSuspects extends ConsumerWrapper {
  readonly #more: readonly TaskConsumer[]
  readonly #holders = new Map<string, TaskConsumer>()

  constructor(inner: TaskConsumer, more: readonly TaskConsumer[]) {
    super(inner)
    this.#more = more
  }

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const deliveries = this.#note(await this.inner.receive(max, signal), this.inner)
    for (const consumer of this.#more) {
      const room = max - deliveries.length
      if (room <= 0) break
      deliveries.push(...this.#note(await consumer.receive(room, AbortSignal.timeout(2)), consumer))
    }
    return deliveries
  }

  override async renew(items: readonly Renewal[]): ReturnType<TaskConsumer['renew']> {
    const answers = await Promise.all(items.map((item) => this.#holder(item.lease.id).renew([item])))
    return answers.flat()
  }

  override async settle(items: readonly Settlement[]): ReturnType<TaskConsumer['settle']> {
    const answers = await Promise.all(items.map((item) => this.#holder(item.lease.id).settle([item])))
    return answers.flat()
  }

  override async close(): Promise<void> {
    for (const consumer of [this.inner, ...this.#more]) await consumer.close()
  }

  #note(deliveries: Delivery[], consumer: TaskConsumer): Delivery[] {
    for (const { lease } of deliveries) this.#holders.set(lease.id, consumer)
    return deliveries
  }

  #holder(id: string): TaskConsumer {
    return this.#holders.get(id) ?? this.inner
  }
}

class AllowsOneMoreCrash extends Broken {
  override submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.inner.submit(tasks.map((task) => ({ ...task, maxCrashes: task.maxCrashes + 1 })))
  }
}

type Cancelling = (call: { id: string; requeue: boolean }, inner: Broker) => Promise<CancelAnswer>

function withCancelling(cancel: Cancelling): (broker: Broker) => Broker {
  return (broker) =>
    new (class extends Broken {
      override cancel(id: string, { requeue }: { requeue: boolean }): Promise<CancelAnswer> {
        return cancel({ id, requeue }, this.inner)
      }
    })(broker)
}

async function stateOf(broker: Broker, id: string): Promise<string | undefined> {
  return (await broker.get([id]))[0]?.state
}

export const brokenLeases: readonly BrokenBroker[] = [
  {
    name: 'has no lease to renew',
    rule: 'lease-renewed',
    cases: ['lease: a task three leases long runs once', 'lease: a lease that is renewed stays'],
    wrap: withRenewing(async (items) => items.map(() => HELD)),
  },
  {
    name: 'says "held" of a lost lease',
    rule: 'lease-fenced',
    cases: ['lease: a zombie is refused'],
    wrap: withRenewing(async (items, inner) => {
      const answers = await inner.renew(items)
      return answers.map((answer) => (answer.ok && answer.value.status === 'lost' ? HELD : answer))
    }),
  },
  {
    name: 'loses progress',
    rule: 'progress',
    cases: ['lease: progress travels with renewals'],
    wrap: withRenewing((items, inner) => inner.renew(items.map(({ lease }) => ({ lease })))),
  },
  {
    name: 'answers renewals in its own order',
    rule: 'renew-answers',
    cases: ['lease: renewals are answered one by one, in order'],
    wrap: withRenewing(async (items, inner) => (await inner.renew(items)).toReversed()),
  },
  {
    name: 'lets suspects meet',
    rule: 'one-suspect',
    cases: ['lease: a consumer holds one suspect at a time'],
    wrap: (broker) =>
      new (class extends Broken {
        override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
          const open = (): Promise<TaskConsumer> => this.inner.openConsumer(options)
          return new HoldsSeveralSuspects(await open(), [await open(), await open()])
        }
      })(broker),
  },
  {
    name: 'allows one crash more',
    rule: 'poison-limit',
    cases: ['lease: a task that loses its workers ends in WorkerLost'],
    wrap: (broker) => new AllowsOneMoreCrash(broker),
  },
  {
    name: 'loses the cancel of a running task',
    rule: 'cancel-running',
    cases: ['cancel: a running task hears of it, by broadcast and by renewals'],
    wrap: withCancelling(async ({ id, requeue }, inner) =>
      (await stateOf(inner, id)) === 'RUNNING' ? 'requested' : inner.cancel(id, { requeue }),
    ),
  },
  {
    name: 'tells of a cancel by broadcast only',
    rule: 'cancel-running',
    cases: ['cancel: a renewal tells of it when the broadcast is lost'],
    wrap: withRenewing(async (items, inner) => {
      const answers = await inner.renew(items)
      return answers.map((answer) => (answer.ok && answer.value.status === 'held' ? HELD : answer))
    }),
  },
  {
    name: 'loses the cancel of a queued task',
    rule: 'cancel-waiting',
    cases: ['cancel: a queued task is cancelled at once and never started'],
    wrap: withCancelling(async ({ id, requeue }, inner) =>
      !requeue && (await stateOf(inner, id)) === 'QUEUED' ? 'cancelled' : inner.cancel(id, { requeue }),
    ),
  },
  {
    name: 'ignores requeue',
    rule: 'cancel-requeue',
    cases: ['cancel: with requeue a waiting task stays', 'cancel: with requeue a running task returns'],
    wrap: withCancelling(({ id }, inner) => inner.cancel(id, { requeue: false })),
  },
  {
    name: 'heeds the first cancel only',
    rule: 'cancel-again',
    cases: ['cancel: a second cancel replaces the first'],
    wrap: withCancelling(async ({ id, requeue }, inner) => {
      const [task] = await inner.get([id])
      return task?.cancelRequested ? 'requested' : inner.cancel(id, { requeue })
    }),
  },
  {
    name: 'cancels a task of a name once',
    rule: 'cancel-again',
    cases: ['cancel: a requeued task can be cancelled again'],
    wrap: withCancelling(async ({ id, requeue }, inner) => {
      const cancelled = sharedBy(inner, 'cancelled once', () => new Map<string, number>())
      const [task] = await inner.get([id])
      const attempt = cancelled.get(id)
      if (task?.state === 'RUNNING' && attempt !== undefined && attempt !== task.attempt) return 'requested'
      if (task?.state === 'RUNNING') cancelled.set(id, task.attempt)
      return inner.cancel(id, { requeue })
    }),
  },
  {
    name: 'says "finished" of an unknown task',
    rule: 'cancel-final',
    cases: ['cancel: a finished task stays, an unknown one is said'],
    wrap: withCancelling(async (call, inner) => {
      const answer = await inner.cancel(call.id, call)
      return answer === 'unknown' ? 'finished' : answer
    }),
  },
]
