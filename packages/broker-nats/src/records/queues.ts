import type { Link } from '../jetstream/link.ts'
import { queueOfDurable } from '../names.ts'
import type { Names } from '../names.ts'
import { apiAnswer } from '../jetstream/publish.ts'
import { ensureConsumer } from '../jetstream/topology.ts'

/**
 * The queues that may hold first entries: each has a durable consumer, which whoever submits a first entry to it or serves it creates. One with
 * nothing but named or delayed tasks may have none yet.
 */
export class Queues {
  readonly #link: Link
  readonly #names: Names
  readonly #known = new Set<string>()
  readonly #opening = new Map<string, Promise<void>>()
  #discovering: Promise<void> | undefined

  constructor(link: Link, names: Names) {
    this.#link = link
    this.#names = names
  }

  /** Those that this process knows of. */
  get known(): readonly string[] {
    return [...this.#known]
  }

  /** Creates the consumer of a queue that this process has not used yet. */
  async ensure(queue: string): Promise<void> {
    if (!this.#known.has(queue)) await this.open(queue)
  }

  /** Creates the consumer of a queue if it is missing. Calls at one time share the question. */
  open(queue: string): Promise<void> {
    const opening = this.#opening.get(queue) ?? this.#open(queue)
    this.#opening.set(queue, opening)
    return opening
  }

  async #open(queue: string): Promise<void> {
    try {
      await ensureConsumer(this.#link, this.#names, queue)
      this.#known.add(queue)
    } finally {
      this.#opening.delete(queue)
    }
  }

  /** Creates consumers that somebody has removed. */
  async reopen(): Promise<void> {
    for (const queue of this.#known) await this.open(queue)
  }

  /** Learns of the queues of all processes. Calls of one turn share the question. */
  discover(): Promise<void> {
    this.#discovering ??= Promise.resolve().then(() => {
      this.#discovering = undefined
      return this.#ask()
    })
    return this.#discovering
  }

  async #ask(): Promise<void> {
    for (let offset = 0; ;) {
      const { consumers, total } = await this.#page(offset)
      for (const consumer of consumers) {
        const queue = queueOfDurable(consumer)
        if (queue !== undefined) this.#known.add(queue)
      }
      offset += consumers.length
      if (consumers.length === 0 || offset >= total) return
    }
  }

  #page(offset: number): Promise<ConsumerNames> {
    const { apiPrefix } = this.#link
    const question = {
      subject: `${apiPrefix}.CONSUMER.NAMES.${this.#names.tasks}`,
      payload: JSON.stringify({ offset }),
    }
    return this.#link.ask(question, 'asking for the queues', (answer) => {
      const { consumers, total } = apiAnswer(answer) as Partial<ConsumerNames>
      return { consumers: consumers ?? [], total: total ?? 0 }
    })
  }
}

interface ConsumerNames {
  readonly consumers: readonly string[]
  readonly total: number
}
