import { EventBuffer, eventOf } from '@ds/core'
import type { EventFilter, SubscriptionItem } from '@ds/core'
import type { Entry } from './state/entry.ts'
import type { Told } from './state/partition.ts'

/** Live events: what the state topic says is told as it is folded, and written nowhere else. */
export class KafkaEvents {
  readonly #subscribers = new Set<EventBuffer>()

  /** Tells of a change. */
  tell({ task }: Entry, { event, ...details }: Told): void {
    if (this.#subscribers.size === 0) return
    const told = eventOf(event, task, details)
    for (const subscriber of this.#subscribers) subscriber.push(told)
  }

  /** Says that events may have been missed. */
  resync(): void {
    for (const subscriber of this.#subscribers) subscriber.resync()
  }

  subscribe(filter: EventFilter, signal: AbortSignal): AsyncIterable<SubscriptionItem> {
    const buffer = new EventBuffer({ filter, signal })
    this.#subscribers.add(buffer)
    signal.addEventListener('abort', () => this.#subscribers.delete(buffer), { once: true })
    return buffer
  }

  close(): void {
    for (const subscriber of this.#subscribers) subscriber.end()
    this.#subscribers.clear()
  }
}
