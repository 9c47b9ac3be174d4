import { EventBuffer } from '@ds/core'
import type { EventFilter, SubscriptionItem } from '@ds/core'
import type { Link } from './jetstream/link.ts'
import { readLogged } from './records/logged-record.ts'
import { logSubjects } from './names.ts'
import type { Names } from './names.ts'
import { Tail } from './jetstream/tail.ts'
import { eventsOf } from './records/transitions.ts'

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
      filter: logSubjects(this.#names, filter.taskId),
      from: 'new',
      onMessage: ({ subject, data }) => {
        const logged = readLogged(this.#names, subject, data)
        if ('record' in logged) for (const event of eventsOf(logged.record)) buffer.push(event)
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
