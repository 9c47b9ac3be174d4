import type { Broker, NewTask, Payload, Result, SubmitAnswer } from '@ds/core'
import { Broken } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'

/** A broker that changes tasks before it submits them. */
function withTasks(change: (task: NewTask) => NewTask): (broker: Broker) => Broker {
  return (broker) =>
    new (class extends Broken {
      override submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
        return this.inner.submit(tasks.map(change))
      }
    })(broker)
}

const CREATED: Result<SubmitAnswer> = { ok: true, value: 'created' }

/** Answers first and stores a moment later, as one does that keeps a buffer; close forgets the buffer. */
class DropsOnClose extends Broken {
  #buffer: NewTask[] = []
  #timer: NodeJS.Timeout | undefined

  override async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    await this.#flush()
    const known = await this.inner.get(tasks.map(({ id }) => id))
    const plain = tasks.every((task, index) => !known[index] && task.maxQueued === undefined)
    const distinct = new Set(tasks.map(({ id }) => id)).size === tasks.length
    if (!plain || !distinct || this.#buffer.length > 0) return this.inner.submit(tasks)
    this.#buffer.push(...tasks)
    this.#timer = setTimeout(() => void this.#flush(), 5)
    return tasks.map(() => CREATED)
  }

  override async close(): Promise<void> {
    this.#buffer = []
    clearTimeout(this.#timer)
    return super.close()
  }

  protected override async call<Answer>(run: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    await this.#flush()
    return super.call(run)
  }

  async #flush(): Promise<void> {
    if (this.#buffer.length > 0) await this.inner.submit(this.#buffer.splice(0))
  }
}

class AnswersExistsAsCreated extends Broken {
  override async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return (await this.inner.submit(tasks)).map((answer) => (answer.ok ? CREATED : answer))
  }
}

class AnswersInItsOwnOrder extends Broken {
  override async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const answers = await this.inner.submit(tasks)
    return answers.toSorted((a, b) => Number(a.ok && a.value === 'exists') - Number(b.ok && b.value === 'exists'))
  }
}

class RunsRepeatedSubmissions extends Broken {
  override async submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    const known = await this.inner.get(tasks.map(({ id }) => id))
    for (const [index, task] of tasks.entries()) {
      const same = known[index]?.incarnation === task.incarnation
      if (same && known[index]?.state === 'DONE') await this.inner.retry(task.id, { nonce: `${Math.random()}` })
    }
    return this.inner.submit(tasks)
  }
}

class ShortensNames extends Broken {
  override submit(tasks: readonly NewTask[]): Promise<Result<SubmitAnswer>[]> {
    return this.inner.submit(tasks.map((task) => ({ ...task, id: task.id.trim().toLowerCase() })))
  }
}

function rewritten(payload: Payload): Payload {
  return JSON.stringify(JSON.parse(payload))
}

export const brokenSubmits: readonly BrokenBroker[] = [
  {
    name: 'drops on close',
    rule: 'submit-durable',
    cases: ['submit: tasks outlive the broker that submitted them'],
    wrap: (broker) => new DropsOnClose(broker),
  },
  {
    name: 'answers "exists" as "created"',
    rule: 'submit-idempotent',
    cases: ['submit: of 50 racing submits of one id one is created', 'submit: a known id changes nothing'],
    wrap: (broker) => new AnswersExistsAsCreated(broker),
  },
  {
    name: 'answers a batch in its own order',
    rule: 'submit-answers',
    cases: ['submit: a batch is answered task by task, in order'],
    wrap: (broker) => new AnswersInItsOwnOrder(broker),
  },
  {
    name: 'runs a repeated submission',
    rule: 'submit-repeated',
    cases: ['submit: a submission that is sent again runs once'],
    wrap: (broker) => new RunsRepeatedSubmissions(broker),
  },
  {
    name: 'loses headers',
    rule: 'payload-intact',
    cases: ['submit: args, results, errors and headers come back as given'],
    wrap: withTasks(({ headers: _headers, ...task }) => task),
  },
  {
    name: 'rewrites payloads',
    rule: 'payload-intact',
    cases: ['submit: args, results, errors and headers come back as given'],
    wrap: withTasks((task) => ({ ...task, args: rewritten(task.args) })),
  },
  {
    name: 'forgets the parent',
    rule: 'task-as-asked',
    cases: ['submit: the record says what was asked for'],
    wrap: withTasks(({ parentId: _parent, ...task }) => task),
  },
  {
    name: 'trims ids and makes them small',
    rule: 'any-name',
    cases: ['submit: ids that look alike are apart'],
    wrap: (broker) => new ShortensNames(broker),
  },
  {
    name: 'ignores the limit of a queue',
    rule: 'queue-limit',
    cases: ['submit: a full queue refuses task by task'],
    wrap: withTasks(({ maxQueued: _limit, ...task }) => task),
  },
  {
    name: 'ignores delays',
    rule: 'delay-not-early',
    cases: ['retry-and-delay: a delay is neither early nor late'],
    wrap: withTasks(({ delay: _delay, runAt: _runAt, ...task }) => task),
  },
  {
    name: 'keeps delays in whole seconds',
    rule: 'delay-not-early',
    cases: ['retry-and-delay: a delay is neither early nor late'],
    wrap: withTasks((task) =>
      task.delay === undefined ? task : { ...task, delay: Math.floor(task.delay / 1000) * 1000 },
    ),
  },
]
