import type { AppendOptions, LogBatch, LogEntry, LogPort, Tail } from '../port/log-port.ts'
import type { ServerClock } from '../state/clock.ts'
import { drawName } from '../state/keys.ts'

/** How often a process says that it is there, in milliseconds. */
export const BEAT_INTERVAL = 1000
/** After this long without a word a process counts as gone, until it speaks again. Nothing but who serves what hangs on it. */
export const GONE_AFTER = 4000
const GOODBYE: AppendOptions = { patience: 1000 }

/** A process, as it says of itself. */
export interface Member {
  readonly id: string
  readonly consumers: readonly MemberConsumer[]
}

/** A consumer of a process. */
export interface MemberConsumer {
  readonly id: string
  readonly queues: readonly string[]
  /** Whether it has room for tasks. Partitions are dealt to those that have. */
  readonly hungry: boolean
}

interface Known {
  readonly member: Member
  /** When it was last heard of, by this process's clock. */
  readonly heardAt: number
}

/** What {@link Presence} needs. */
export interface PresenceOptions {
  readonly port: LogPort
  readonly topic: string
  readonly clock: ServerClock
  /** What this process has to say of itself. */
  readonly describe: () => readonly MemberConsumer[]
  /** Somebody came, went, or changed. Must not throw. */
  readonly onChange: () => void
}

/**
 * Who is there, as the topic of workers tells it to everybody in the same order: processes speak every second, and at once when they
 * come, go or change. It also carries the heartbeats by which consumers hold their leases.
 */
export class Presence {
  /** This process's name among the members. */
  readonly id: string = drawName()
  readonly #options: PresenceOptions
  readonly #known = new Map<string, Known>()
  /** The newest heartbeat of each consumer, by the server's clock. */
  readonly #heartbeats = new Map<string, number>()
  readonly #marks = new Map<string, (at: number) => void>()
  #tail: Tail | undefined
  #timer: NodeJS.Timeout | undefined
  #spokenAt = 0
  #speaking = false
  #opened = false
  #closed = false
  #live: (() => void) | undefined
  #heardAt = 0
  #unbrokenSince = Date.now()

  constructor(options: PresenceOptions) {
    this.#options = options
  }

  /** Since when the topic has been read without a break, by this process's clock. */
  get unbrokenSince(): number {
    return this.#unbrokenSince
  }

  get lastAnswerAt(): number | undefined {
    return this.#tail?.lastAnswerAt()
  }

  /** Resolves once everybody who is there is known, and this process with them. */
  async open(): Promise<void> {
    const { port, topic } = this.#options
    const live = new Promise<void>((resolve) => (this.#live = resolve))
    this.#tail = await port.tail({ topic, onBatch: (batch) => this.#read(batch) })
    this.#tail.setPartitions(new Map([[0, 'start']]))
    await live
    await this.speak()
    if (this.#closed) return
    this.#opened = true
    this.#timer = setInterval(() => this.#beat(), BEAT_INTERVAL / 4)
    this.#timer.unref()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    // Only manners: those who do not hear of it find out soon enough.
    if (this.#opened) await this.#append(this.id, null, GOODBYE).catch(() => undefined)
    await this.#tail?.close()
  }

  /** Those who count as being there, by their names. */
  members(): Member[] {
    return [...this.#known.values()].map(({ member }) => member)
  }

  /** Says at once what this process is. */
  async speak(): Promise<void> {
    if (this.#closed) return
    this.#spokenAt = Date.now()
    await this.#append(this.id, { schema: 1, type: 'member', consumers: this.#options.describe() })
  }

  /** Makes all leases of a consumer last again. Resolves when that is durable. */
  async heartbeat(consumer: string): Promise<void> {
    await this.#append(consumer, { schema: 1, type: 'heartbeat' })
  }

  /** When a consumer's last heartbeat was appended, as far as it was read. */
  heartbeatOf(consumer: string): number | undefined {
    return this.#heartbeats.get(consumer)
  }

  /** Reads everything up to now; gives the time at which that was, by the server's clock. */
  async mark(): Promise<number> {
    const name = `mark-${this.id}`
    const read = new Promise<number>((resolve) => this.#marks.set(name, resolve))
    await this.#append(name, { schema: 1, type: 'mark' })
    return read
  }

  #append(key: string, value: object | null, options?: AppendOptions): Promise<void> {
    const { port, topic, clock } = this.#options
    const bytes = value === null ? null : Buffer.from(JSON.stringify(value))
    const record = { topic, partition: 0, key: Buffer.from(key), value: bytes }
    return port.append([record], options).then(([appended]) => {
      if (appended?.appendedAt !== undefined) clock.sample(appended.appendedAt)
    })
  }

  #beat(): void {
    const now = Date.now()
    this.#watchForBreaks(now)
    let changed = false
    for (const [id, { heardAt }] of this.#known) {
      if (now - heardAt < GONE_AFTER || this.#unbrokenSince > now - GONE_AFTER) continue
      this.#known.delete(id)
      changed = true
    }
    if (changed) this.#options.onChange()
    if (this.#speaking || now - this.#spokenAt < BEAT_INTERVAL) return
    this.#speaking = true
    void this.speak()
      .catch(() => undefined)
      .finally(() => (this.#speaking = false))
  }

  /** Where the topic could not be read, or this process did not run, silence says nothing of others. */
  #watchForBreaks(now: number): void {
    const last = this.#tail?.lastAnswerAt() ?? 0
    if (now - last > 2000 || now - this.#heardAt > 2000) this.#unbrokenSince = now
    this.#heardAt = now
  }

  #read({ entries, position, end }: LogBatch): void {
    let changed = false
    for (const entry of entries) changed = this.#take(entry) || changed
    if (position >= end) this.#live?.()
    if (changed) this.#options.onChange()
  }

  #take({ key, value, timestamp }: LogEntry): boolean {
    const id = key?.toString() ?? ''
    if (value === null) return this.#known.delete(id)
    const record = parse(value)
    if (record?.type === 'heartbeat') this.#heartbeats.set(id, timestamp)
    if (record?.type === 'mark') {
      this.#marks.get(id)?.(timestamp)
      this.#marks.delete(id)
    }
    if (record?.type !== 'member' || !Array.isArray(record.consumers)) return false
    const now = Date.now()
    const age = Math.max(0, this.#options.clock.now() - timestamp)
    if (age > GONE_AFTER && id !== this.id) return false
    const known = this.#known.get(id)
    const member: Member = { id, consumers: record.consumers as MemberConsumer[] }
    this.#known.set(id, { member, heardAt: now })
    return JSON.stringify(known?.member) !== JSON.stringify(member)
  }
}

function parse(value: Buffer): { type?: unknown; consumers?: unknown } | undefined {
  try {
    const record = JSON.parse(value.toString()) as unknown
    return typeof record === 'object' && record !== null ? record : undefined
  } catch {
    return undefined
  }
}
