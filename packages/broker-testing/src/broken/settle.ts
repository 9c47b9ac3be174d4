import { randomUUID } from 'node:crypto'
import type {
  AttemptError,
  Broker,
  ConsumerOptions,
  Delivery,
  Lease,
  Outcome,
  Payload,
  Result,
  RetryAnswer,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '@ds/core'
import { Broken, sharedBy, withConsumers, withDeliveries } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'
import { ConsumerWrapper } from './wrappers.ts'

type Settling = (items: readonly Settlement[], inner: TaskConsumer) => Promise<Result<SettleAnswer>[]>

function withSettling(settle: Settling): (broker: Broker) => Broker {
  return withConsumers(
    (consumer) =>
      new (class extends ConsumerWrapper {
        override settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
          return settle(items, this.inner)
        }
      })(consumer),
  )
}

function withOutcomes(change: (outcome: Outcome) => Outcome): (broker: Broker) => Broker {
  return withSettling((items, inner) =>
    inner.settle(items.map(({ lease, outcome }) => ({ lease, outcome: change(outcome) }))),
  )
}

const APPLIED: Result<SettleAnswer> = { ok: true, value: 'applied' }

interface Holding {
  readonly lease: Lease
  readonly consumer: TaskConsumer
}

/** Settles whatever attempt is current, if the lease that is shown passes the test. */
class AcceptsOtherLeases extends ConsumerWrapper {
  readonly #holdings: Map<string, Holding>
  readonly #accepts: (shown: Lease, current: Lease) => boolean

  constructor(inner: TaskConsumer, holdings: Map<string, Holding>, accepts: (shown: Lease, current: Lease) => boolean) {
    super(inner)
    this.#holdings = holdings
    this.#accepts = accepts
  }

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const deliveries = await this.inner.receive(max, signal)
    for (const { lease } of deliveries) this.#holdings.set(lease.id, { lease, consumer: this.inner })
    return deliveries
  }

  override async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    const answers: Result<SettleAnswer>[] = []
    for (const item of items) answers.push(await this.#settleOne(item))
    return answers
  }

  async #settleOne({ lease, outcome }: Settlement): Promise<Result<SettleAnswer>> {
    const holding = this.#holdings.get(lease.id)
    const other = holding && this.#accepts(lease, holding.lease) ? holding : { lease, consumer: this.inner }
    const [answer] = await other.consumer.settle([{ lease: other.lease, outcome }])
    return answer ?? APPLIED
  }
}

function acceptingLeases(accepts: (shown: Lease, current: Lease) => boolean): (broker: Broker) => Broker {
  return withConsumers(
    (consumer, { broker }) =>
      new AcceptsOtherLeases(
        consumer,
        sharedBy(broker, 'holdings', () => new Map<string, Holding>()),
        accepts,
      ),
  )
}

/** Every eighth outcome is stored a moment after it was answered. */
class AnswersFirst extends ConsumerWrapper {
  #count = 0

  override async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    this.#count += 1
    if (this.#count % 8 !== 0) return this.inner.settle(items)
    setTimeout(() => void this.inner.settle(items).catch(() => []), 15)
    return items.map(() => APPLIED)
  }
}

class LastResultWins extends Broken {
  override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const results = this.#results()
    return new (class extends ConsumerWrapper {
      override async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
        const answers = await this.inner.settle(items)
        for (const { lease, outcome } of items) if (outcome.type === 'done') results.set(lease.id, outcome.result)
        return answers
      }
    })(await this.inner.openConsumer(options))
  }

  override async result(id: string): Promise<Payload | undefined> {
    const result = await this.inner.result(id)
    return result === undefined ? undefined : (this.#results().get(id) ?? result)
  }

  #results(): Map<string, Payload> {
    return sharedBy(this.inner, 'results', () => new Map<string, Payload>())
  }
}

class KeepsTheLastErrorOnly extends Broken {
  override async errors(id: string): Promise<AttemptError[]> {
    return (await this.inner.errors(id)).slice(-1)
  }
}

/** A retry makes a new task of the old one: its attempts begin anew. */
class CountsAnewOnRetry extends Broken {
  override async retry(id: string, { nonce }: { nonce: string }): Promise<RetryAnswer> {
    const [task] = await this.inner.get([id])
    const args = await this.inner.args(id)
    if (!task || args === undefined || task.state === 'QUEUED' || task.state === 'RUNNING')
      return this.inner.retry(id, { nonce })
    await this.inner.remove(id)
    const { name, group, queue, maxRetries, maxCrashes } = task
    await this.inner.submit([{ id, incarnation: randomUUID(), name, group, queue, maxRetries, maxCrashes, args }])
    return 'queued'
  }
}

class ForgetsTheNonce extends Broken {
  override retry(id: string): Promise<RetryAnswer> {
    return this.inner.retry(id, { nonce: randomUUID() })
  }
}

export const brokenSettlements: readonly BrokenBroker[] = [
  {
    name: 'answers an outcome before it is stored',
    rule: 'outcome-stored-first',
    cases: ['settle: a result is there when its outcome is answered'],
    wrap: withConsumers((consumer) => new AnswersFirst(consumer)),
  },
  {
    name: 'accepts an old attempt',
    rule: 'fencing',
    cases: ['settle: the outcome of an old attempt changes nothing'],
    wrap: acceptingLeases((shown, current) => shown.attempt < current.attempt && shown.token === current.token),
  },
  {
    name: 'accepts an outcome of a former life',
    rule: 'incarnation',
    cases: ['lease: a task in a new life is safe from its former one'],
    wrap: acceptingLeases((shown, current) => shown.attempt === current.attempt),
  },
  {
    name: 'lets the last result win',
    rule: 'settle-twice',
    cases: ['settle: settling twice has no effect the second time'],
    wrap: (broker) => new LastResultWins(broker),
  },
  {
    name: 'answers every settlement "applied"',
    rule: 'fencing',
    cases: ['settle: the outcome of an old attempt changes nothing'],
    wrap: withSettling(async (items, inner) => {
      await inner.settle(items)
      return items.map(() => APPLIED)
    }),
  },
  {
    name: 'runs an error again',
    rule: 'outcome-ends',
    cases: ['settle: an error ends the task for good'],
    wrap: withOutcomes((outcome) => (outcome.type === 'error' ? { ...outcome, type: 'retry', delay: 0 } : outcome)),
  },
  {
    name: 'retries without delay',
    rule: 'delay-not-early',
    cases: ['retry-and-delay: a sequence of backoffs is held'],
    wrap: withOutcomes((outcome) => (outcome.type === 'retry' ? { ...outcome, delay: 0 } : outcome)),
  },
  {
    name: 'ignores the limit that an outcome brings',
    rule: 'retries-limit',
    cases: ['settle: an outcome may bring its own limit of retries'],
    wrap: withOutcomes((outcome) => {
      if (outcome.type !== 'retry') return outcome
      const { maxRetries: _limit, ...rest } = outcome
      return rest
    }),
  },
  {
    name: 'keeps the last error only',
    rule: 'errors-kept',
    cases: ['settle: the errors of the last 20 attempts are kept', 'store: the errors of every attempt are kept'],
    wrap: (broker) => new KeepsTheLastErrorOnly(broker),
  },
  {
    name: 'hands out no previous error',
    rule: 'errors-kept',
    cases: ['settle: an error comes back whole'],
    wrap: withDeliveries((deliveries) => deliveries.map(({ previousError: _error, ...delivery }) => delivery)),
  },
  {
    name: 'takes a crash for a failure',
    rule: 'crashes',
    cases: ['settle: a lost worker is a crash, up to the limit', 'settle: crashes and failures are counted apart'],
    wrap: withOutcomes((outcome) =>
      outcome.type === 'lost'
        ? { type: 'retry', delay: 0, error: { name: 'WorkerLost', message: 'lost', stacktrace: [] } }
        : outcome,
    ),
  },
  {
    name: 'lets a released task wait for its lease',
    rule: 'released',
    cases: ['settle: a released task runs elsewhere at once', 'shutdown: released tasks run elsewhere at once'],
    wrap: withSettling(async (items, inner) => {
      const kept = items.filter(({ outcome }) => outcome.type !== 'released')
      const answers = await inner.settle(kept)
      return items.map((item) => answers[kept.indexOf(item)] ?? APPLIED)
    }),
  },
  {
    name: 'counts attempts anew after a retry',
    rule: 'attempts',
    cases: ['settle: attempts only grow'],
    wrap: (broker) => new CountsAnewOnRetry(broker),
  },
  {
    name: 'forgets the nonce of a retry',
    rule: 'retry-answers',
    cases: ['retry-and-delay: a retry that is sent again counts once'],
    wrap: (broker) => new ForgetsTheNonce(broker),
  },
]
