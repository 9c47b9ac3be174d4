import type { Broker } from '../broker/broker.ts'
import { BrokerClosedError } from '../errors.ts'
import type { SubscriptionItem, TaskEvent } from '../events.ts'
import { throughOutage } from '../through-outage.ts'

/** Somebody who is told of all events. None of these may throw. */
export interface FeedListener {
  onEvent(event: TaskEvent): void
  /** Events may be missing here. */
  onResync(): void
  /** There will be no more. */
  onEnd(error: Error): void
}

/** A subscription under way: `live` resolves once it gives events. */
interface Subscription {
  readonly ending: AbortController
  readonly live: Promise<void>
}

/** How long a subscription that nobody needs any more is kept for the next one who does, in milliseconds. */
const LINGER = 1000

/** The one subscription of a manager: opened when the first listener comes, shared by all, closed soon after the last has gone. */
export class EventFeed {
  readonly #broker: Broker
  readonly #listeners = new Set<FeedListener>()
  #subscription: Subscription | undefined
  #linger: NodeJS.Timeout | undefined
  #closed = false

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /** Whether the broker is subscribed to, so that following one more task costs nothing. */
  get open(): boolean {
    return this.#subscription !== undefined
  }

  /** Adds a listener; resolves once it hears every event from then on. */
  add(listener: FeedListener): Promise<void> {
    if (this.#closed) return Promise.reject(managerClosed())
    clearTimeout(this.#linger)
    this.#listeners.add(listener)
    this.#subscription ??= this.#subscribe()
    return this.#subscription.live
  }

  delete(listener: FeedListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    clearTimeout(this.#linger)
    this.#linger = setTimeout(() => this.#unsubscribe(), LINGER)
    this.#linger.unref()
  }

  close(): void {
    this.#closed = true
    this.#end(managerClosed())
  }

  #subscribe(): Subscription {
    const ending = new AbortController()
    const { signal } = ending
    const items = throughOutage(() => this.#broker.subscribe({}, { signal }), signal)
    void this.#readAll(items, signal)
    const live = items.then(() => undefined)
    // Whoever waits for it hears of a failure; so do all listeners, by onEnd.
    live.catch(() => undefined)
    return { ending, live }
  }

  async #readAll(items: Promise<AsyncIterable<SubscriptionItem>>, signal: AbortSignal): Promise<void> {
    try {
      for await (const item of await items) {
        if (signal.aborted) return
        this.#tell(item)
      }
      if (!signal.aborted) this.#end(new BrokerClosedError())
    } catch (error) {
      if (!signal.aborted) this.#end(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #tell(item: SubscriptionItem): void {
    if (item.type === 'resync') for (const listener of this.#listeners) listener.onResync()
    else for (const listener of this.#listeners) listener.onEvent(item)
  }

  #unsubscribe(): void {
    clearTimeout(this.#linger)
    this.#subscription?.ending.abort()
    this.#subscription = undefined
  }

  #end(error: Error): void {
    this.#unsubscribe()
    const listeners = [...this.#listeners]
    this.#listeners.clear()
    for (const listener of listeners) listener.onEnd(error)
  }
}

/** What calls on a manager get after its end. */
export function managerClosed(): BrokerClosedError {
  return new BrokerClosedError('The manager is closed', { fix: 'Get a new one with connect()' })
}
