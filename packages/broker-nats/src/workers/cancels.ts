import type { CancelNotice } from '@ds/core'
import type { Subscription } from '@nats-io/transport-node'
import type { NatsConsumer } from './consumer.ts'
import type { Link } from '../jetstream/link.ts'
import { cancelSubject } from '../names.ts'
import type { Names } from '../names.ts'

/** Hears the broadcasts of cancels for the consumers of this process. */
export class Cancels {
  readonly #link: Link
  readonly #names: Names
  readonly #consumers: ReadonlySet<NatsConsumer>
  #subscription: Subscription | undefined

  constructor(link: Link, names: Names, consumers: ReadonlySet<NatsConsumer>) {
    this.#link = link
    this.#names = names
    this.#consumers = consumers
  }

  /** Resolves when the server knows that this process listens. */
  async open(): Promise<void> {
    if (this.#subscription) return
    this.#subscription = this.#link.subscribe(cancelSubject(this.#names), ({ data }) => {
      const notice = noticeIn(data)
      if (notice) for (const consumer of this.#consumers) consumer.notify(notice)
    })
    await this.#link.call('listening for cancels', () => this.#link.client.flush())
  }

  close(): void {
    this.#subscription?.unsubscribe()
  }
}

/** A broadcast may be lost, so one that cannot be read is no more than that. */
function noticeIn(bytes: Uint8Array): CancelNotice | undefined {
  try {
    const { taskId, attempt, requeue } = JSON.parse(Buffer.from(bytes).toString()) as Partial<CancelNotice>
    if (typeof taskId !== 'string' || typeof attempt !== 'number') return undefined
    return { taskId, attempt, requeue: requeue === true }
  } catch {
    return undefined
  }
}
