import type { Delivery, Renewal, RenewAnswer, Result, SettleAnswer, Settlement, TaskConsumer } from './broker.ts'
import { BrokerClosedError, DsError } from '../errors.ts'
import { Patience } from '../patience.ts'

/** A consumer that refuses calls after its end, and waits over outages where the contract says so. */
export class GuardedConsumer implements TaskConsumer {
  readonly #inner: TaskConsumer
  readonly #onClose: () => void
  readonly #closing = new AbortController()
  #closed: Promise<void> | undefined

  constructor(inner: TaskConsumer, onClose: () => void) {
    this.#inner = inner
    this.#onClose = onClose
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    const patience = new Patience()
    while (!signal.aborted) {
      this.#check()
      try {
        return await this.#inner.receive(max, signal)
      } catch (error) {
        if (!isOutage(error)) throw error
        await patience.wait(AbortSignal.any([signal, this.#closing.signal]))
      }
    }
    return []
  }

  renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    return this.#closed ? Promise.reject(closedError()) : this.#inner.renew(items)
  }

  async settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    this.#check()
    const first = await this.#trySettle(items)
    return first.some(isUnanswered) ? this.#settleRest(items, first) : first
  }

  async drain(): Promise<void> {
    if (!this.#closed) await this.#inner.drain()
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    this.#onClose()
    await this.#inner.close()
  }

  /** Sends again what has no answer, until all have one. */
  async #settleRest(items: readonly Settlement[], first: Result<SettleAnswer>[]): Promise<Result<SettleAnswer>[]> {
    const answers = [...first]
    const patience = new Patience()
    for (;;) {
      const open = answers.flatMap((answer, index) => (isUnanswered(answer) ? [index] : []))
      if (open.length === 0) return answers
      await patience.wait(this.#closing.signal)
      this.#check()
      const again = await this.#trySettle(open.flatMap((index) => items[index] ?? []))
      for (const [position, index] of open.entries()) answers[index] = again[position] ?? UNANSWERED
    }
  }

  async #trySettle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    try {
      return await this.#inner.settle(items)
    } catch (error) {
      if (isOutage(error)) return items.map(() => UNANSWERED)
      throw error
    }
  }

  #check(): void {
    if (this.#closed) throw closedError()
  }
}

const UNANSWERED: Result<never> = { ok: false, error: new DsError('BrokerUnavailable', 'The broker gave no answer') }

function isUnanswered(answer: Result<unknown>): boolean {
  return !answer.ok && isOutage(answer.error)
}

function isOutage(error: unknown): boolean {
  return DsError.is(error, 'BrokerUnavailable')
}

function closedError(): BrokerClosedError {
  return new BrokerClosedError('The consumer is closed', { fix: 'Open another one' })
}
