import { BrokerClosedError } from '@ds/core'
import type {
  CancelNotice,
  Delivery,
  HealthCheck,
  Renewal,
  RenewAnswer,
  Result,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '@ds/core'
import { ack, extend, nakAndWait } from './acknowledge.ts'
import type { ConsumerParts } from './claim-entry.ts'
import type { Stored } from './codec.ts'
import { Receiver } from './receiver.ts'
import type { Decision } from './records.ts'
import { resultOf } from './records.ts'
import { decideSettlement } from './settlement.ts'
import type { EntryFate, SettlementDecision } from './settlement.ts'
import { applyTo, recordAfter } from './transitions.ts'

/** A worker's membership on NATS. */
export class NatsConsumer implements TaskConsumer {
  readonly #parts: ConsumerParts
  readonly #receiver: Receiver
  readonly #onClose: (consumer: NatsConsumer) => void
  #closed = false

  constructor(parts: ConsumerParts, onClose: (consumer: NatsConsumer) => void) {
    this.#parts = parts
    this.#receiver = new Receiver(parts)
    this.#onClose = onClose
  }

  open(): Promise<void> {
    return this.#receiver.ensure()
  }

  async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    if (this.#closed) throw new BrokerClosedError('The consumer is closed')
    return this.#receiver.receive(max, signal)
  }

  async renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    const answers = await Promise.all(items.map((item) => resultOf(this.#renewOne(item))))
    const failed = answers.find((answer) => !answer.ok)
    if (failed && !failed.ok && answers.every(({ ok }) => !ok)) throw failed.error
    return answers
  }

  settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    return Promise.all(items.map((item) => resultOf(this.#settleOne(item))))
  }

  async drain(): Promise<void> {
    this.#receiver.stop()
    await this.#receiver.release()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#receiver.close()
    this.#onClose(this)
  }

  /** Whether the server answers its pulls, while it waits for some. */
  checks(): HealthCheck[] {
    return this.#receiver.checks()
  }

  /** Tells the worker of a cancel, if it is this one that runs that attempt. */
  notify(notice: CancelNotice): void {
    const holding = this.#parts.holdings.find(notice.taskId, notice.attempt)
    if (holding && !this.#closed) this.#parts.options.onCancel(notice)
  }

  async #renewOne({ lease, progress }: Renewal): Promise<RenewAnswer> {
    const { records, holdings, link } = this.#parts
    const holding = holdings.get(lease.token)
    if (!holding) return { status: 'lost' }
    const stored = await records.changeOne({
      id: lease.id,
      decide: (standing) => this.#decideRenewal(standing, { lease, progress }),
    })
    if (!stored) {
      holdings.release(lease.token)
      return { status: 'lost' }
    }
    holding.stored = stored
    await extend(link, holding.entry.reply)
    const { cancelRequested } = stored.record.task
    return cancelRequested ? { status: 'held', cancel: cancelRequested } : { status: 'held' }
  }

  /** The record of a lease that is held, with the progress written; undefined where the lease is lost. */
  #decideRenewal(
    standing: Stored | undefined,
    { lease, progress }: Pick<Renewal, 'lease'> & { progress: number | undefined },
  ): Decision<Stored | undefined> {
    if (standing?.record.claim !== lease.token || standing.record.task.state !== 'RUNNING') return { answer: undefined }
    if (progress === undefined) return { answer: standing }
    const at = this.#parts.clock.now()
    const verdict = applyTo(standing.record, { type: 'progress', at, attempt: lease.attempt, progress })
    if (verdict.verdict !== 'applied') return { answer: standing }
    return { write: recordAfter(standing.record, verdict, at), answer: (stored) => stored }
  }

  async #settleOne({ lease, outcome }: Settlement): Promise<SettleAnswer> {
    const { records, holdings, payloads, clock, errorLimit } = this.#parts
    const holding = holdings.get(lease.token)
    if (!holding) return 'superseded'
    const life = holding.stored.record.task
    const result =
      outcome.type === 'done' ? await payloads.keep(outcome.result, life, `result-${lease.token}`) : undefined
    const decision = await records.changeOne<SettlementDecision>({
      id: lease.id,
      known: holding.stored,
      decide: (standing) => {
        const decided = decideSettlement(standing, { lease, outcome, result, now: clock.now(), errorLimit })
        return decided.type === 'write' ? { write: decided.write, answer: () => decided } : { answer: decided }
      },
    })
    if (decision.type === 'superseded') await payloads.drop(result, life)
    else await this.#settleEntry(holding.entry.reply, decision.fate)
    holdings.release(lease.token)
    return decision.type === 'superseded' ? 'superseded' : 'applied'
  }

  async #settleEntry(reply: string, fate: EntryFate): Promise<void> {
    if (fate.gone) ack(this.#parts.link, reply)
    else await nakAndWait(this.#parts.link, reply, fate.after)
  }
}
