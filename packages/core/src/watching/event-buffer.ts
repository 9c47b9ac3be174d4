import { matchesFilter, RESYNC } from '../events.ts'
import type { EventFilter, SubscriptionItem, TaskEvent } from '../events.ts'

/** What a buffer lets through, and how much it holds. */
export interface EventBufferOptions {
  readonly filter: EventFilter
  /** Ends the iteration. */
  readonly signal: AbortSignal
  /** Events held for a reader that lags. Default 10,000. */
  readonly limit?: number
}

/**
 * What stands between a broker's live events and one reader. A reader that keeps up gets every event. For one that lags, events of
 * a task are merged into its newest; where even that is too much it gets {@link RESYNC} instead, and reads again what it follows.
 */
export class EventBuffer implements AsyncIterable<SubscriptionItem>, AsyncIterator<SubscriptionItem, undefined> {
  readonly #filter: EventFilter
  readonly #limit: number
  #items: SubscriptionItem[] = []
  #next = 0
  #ended = false
  #reader: ((result: IteratorResult<SubscriptionItem, undefined>) => void) | undefined

  constructor({ filter, signal, limit = 10_000 }: EventBufferOptions) {
    this.#filter = filter
    this.#limit = limit
    if (signal.aborted) this.end()
    else signal.addEventListener('abort', () => this.end(), { once: true })
  }

  /** Whether it takes no more; what was taken before can still be read. */
  get ended(): boolean {
    return this.#ended
  }

  /** Hands an event on if it passes the filter. */
  push(event: TaskEvent): void {
    if (!this.#ended && matchesFilter(event, this.#filter)) this.#add(event)
  }

  /** Says that events may be missing here. What is still held is older than the snapshot the reader will take, and goes. */
  resync(): void {
    if (this.#ended) return
    this.#items = []
    this.#next = 0
    this.#add(RESYNC)
  }

  /** Ends the iteration; what is held is still read. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#next >= this.#items.length) this.#answer({ done: true, value: undefined })
  }

  /** There is one reader: each loop goes on where the one before stopped. */
  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next item, once there is one. */
  next(): Promise<IteratorResult<SubscriptionItem, undefined>> {
    const item = this.#items[this.#next]
    if (item !== undefined) {
      this.#next += 1
      if (this.#next === this.#items.length) this.#clear()
      return Promise.resolve({ done: false, value: item })
    }
    if (this.#ended) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve) => (this.#reader = resolve))
  }

  /** Ends the iteration and drops what is held. */
  return(): Promise<IteratorResult<SubscriptionItem, undefined>> {
    this.#clear()
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  #add(item: SubscriptionItem): void {
    if (this.#reader) return this.#answer({ done: false, value: item })
    this.#items.push(item)
    if (this.#items.length - this.#next > this.#limit) this.#merge()
  }

  #answer(result: IteratorResult<SubscriptionItem, undefined>): void {
    const reader = this.#reader
    this.#reader = undefined
    reader?.(result)
  }

  #merge(): void {
    const newest = new Map<string, SubscriptionItem>()
    for (const item of this.#items.slice(this.#next)) {
      const key = item.type === 'resync' ? '' : item.taskId
      newest.delete(key)
      newest.set(key, item)
    }
    this.#items = [...newest.values()]
    this.#next = 0
    // Merging must free a good part, or each further event would merge again.
    if (this.#items.length > this.#limit / 2) this.resync()
  }

  #clear(): void {
    this.#items = []
    this.#next = 0
  }
}
