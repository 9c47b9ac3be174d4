import { BrokerClosedError } from '@ds/core'
import type {
  CancelNotice,
  Delivery,
  HealthCheck,
  Lease,
  Payload,
  Renewal,
  RenewAnswer,
  Result,
  SettleAnswer,
  Settlement,
  TaskConsumer,
} from '@ds/core'
import { ack, nak, nakAndWait } from '../jetstream/acknowledge.ts'
import type { ConsumerParts } from './claim-entry.ts'
import type { Slot, Stored, TaskRecord } from '../records/codec.ts'
import type { Holding } from './holdings.ts'
import { inlineSlot } from '../records/payloads.ts'
import { Receiver } from './receiver.ts'
import type { Decision } from '../records/records.ts'
import { resultsOf } from '../records/records.ts'
import { decideSettlement } from './settlement.ts'
import type { EntryFate, SettlementDecision } from './settlement.ts'
import { applyTo, recordAfter, renewedRecord } from '../records/transitions.ts'

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

  renew(items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> {
    return resultsOf(items.map((item) => this.#renewOne(item)))
  }

  settle(items: readonly Settlement[]): Promise<Result<SettleAnswer>[]> {
    return resultsOf(items.map((item) => this.#settleOne(item)))
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

  async #renewOne(renewal: Renewal): Promise<RenewAnswer> {
    const holding = this.#parts.holdings.get(renewal.lease.token)
    if (!holding) return { status: 'lost' }
    await holding.renewing?.catch(() => undefined)
    return holding.settling ? this.#readLease(renewal.lease) : this.#renewHolding(holding, renewal)
  }

  /** Of a task whose outcome is on its way: a write would only be in its way. */
  async #readLease({ id, token }: Lease): Promise<RenewAnswer> {
    const stored = await this.#parts.records.read(id)
    return stored?.record.claim === token ? heldAs(stored.record) : { status: 'lost' }
  }

  async #renewHolding(holding: Holding, { lease, progress }: Renewal): Promise<RenewAnswer> {
    const { records, holdings, link, options } = this.#parts
    const renewing = records.changeOne({
      id: lease.id,
      known: holding.stored,
      decide: (standing) => this.#decideRenewal(standing, { lease, progress }),
    })
    holding.renewing = renewing
    const stored = await renewing
    if (!stored) {
      holdings.release(lease.token)
      return { status: 'lost' }
    }
    holding.stored = stored
    nak(link, holding.entry.reply, options.lease)
    return heldAs(stored.record)
  }

  /** The renewed record, with the progress in it; undefined where the lease is lost. */
  #decideRenewal(standing: Stored | undefined, { lease, progress }: RenewalOf): Decision<Stored | undefined> {
    if (standing?.record.claim !== lease.token || standing.record.task.state !== 'RUNNING') return { answer: undefined }
    const at = this.#parts.clock.now()
    return { write: renewal(standing.record, { progress, at }), answer: (stored) => stored }
  }

  async #settleOne(settlement: Settlement): Promise<SettleAnswer> {
    const holding = this.#parts.holdings.get(settlement.lease.token)
    if (!holding) return 'superseded'
    holding.settling = true
    try {
      if (holding.renewing) await holding.renewing.catch(() => undefined)
      return await this.#settleHolding(holding, settlement)
    } finally {
      holding.settling = false
    }
  }

  async #settleHolding(holding: Holding, { lease, outcome }: Settlement): Promise<SettleAnswer> {
    const { records, holdings, payloads, clock, errorLimit } = this.#parts
    const life = holding.stored.record.task
    const apart = (text: Payload): Promise<Slot> => payloads.keepApart(text, life, `result-${lease.token}`)
    const result = outcome.type === 'done' ? (inlineSlot(outcome.result) ?? (await apart(outcome.result))) : undefined
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

function heldAs({ task: { cancelRequested } }: TaskRecord): RenewAnswer {
  return cancelRequested ? { status: 'held', cancel: cancelRequested } : { status: 'held' }
}

interface RenewalOf {
  readonly lease: Lease
  readonly progress: number | undefined
}

function renewal(record: TaskRecord, { progress, at }: { progress: number | undefined; at: number }): TaskRecord {
  const renewed = renewedRecord(record, at)
  if (progress === undefined) return renewed
  const verdict = applyTo(record, { type: 'progress', at, attempt: record.task.attempt, progress })
  return verdict.verdict === 'applied' ? recordAfter(renewed, verdict, at) : renewed
}
