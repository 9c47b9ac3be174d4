import { EventBuffer } from '@ds/core'
import type { EventFilter, SubscriptionItem } from '@ds/core'
import { decodeRecord, UndecodableRecord } from './codec.ts'
import type { TaskRecord } from './codec.ts'
import type { Link } from './link.ts'
import { taskSubject } from './names.ts'
import type { Names } from './names.ts'
import { Tail } from './tail.ts'
import { eventsOf } from './transitions.ts'

/** Events are the log of the records: nothing is written for them. */
export class NatsEvents {
  readonly #link: Link
  readonly #names: Names
  readonly #open = new Set<{ end: () => void }>()

  constructor(link: Link, names: Names) {
    this.#link = link
    this.#names = names
  }

  async subscribe(filter: EventFilter, { signal }: { signal: AbortSignal }): Promise<AsyncIterable<SubscriptionItem>> {
    const ending = new AbortController()
    const buffer = new EventBuffer({ filter, signal: AbortSignal.any([signal, ending.signal]) })
    const tail = await Tail.open({
      link: this.#link,
      stream: this.#names.tasks,
      filter: filter.taskId === undefined ? `${this.#names.root}.task.*` : taskSubject(this.#names, filter.taskId),
      from: 'new',
      onMessage: ({ data }) => {
        for (const event of eventsIn(data)) buffer.push(event)
      },
      onBreak: () => buffer.resync(),
    })
    const open = { end: () => ending.abort() }
    this.#open.add(open)
    const close = (): void => {
      tail.close()
      this.#open.delete(open)
    }
    if (signal.aborted) close()
    AbortSignal.any([signal, ending.signal]).addEventListener('abort', close, { once: true })
    return closingOnReturn(buffer, close)
  }

  close(): void {
    for (const { end } of this.#open) end()
  }
}

/** A reader that stops in the middle ends the subscription. */
async function* closingOnReturn(buffer: EventBuffer, close: () => void): AsyncGenerator<SubscriptionItem, void> {
  try {
    yield* buffer
  } finally {
    close()
  }
}

/** The events a message of the log tells of. */
function eventsIn(bytes: Uint8Array): ReturnType<typeof eventsOf> {
  const record = recordIn(bytes)
  return record ? eventsOf(record) : []
}

/** The record in a message of the log; undefined for what the next reader of the task will park. */
export function recordIn(bytes: Uint8Array): TaskRecord | undefined {
  try {
    return decodeRecord(bytes)
  } catch (error) {
    if (error instanceof UndecodableRecord) return undefined
    throw error
  }
}
