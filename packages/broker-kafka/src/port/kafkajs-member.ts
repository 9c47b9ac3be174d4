import { BrokerClosedError, BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { isHopeless, toBrokerError } from '../errors.ts'
import { typeOf } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { GroupMember, GroupOptions, LogPosition, LoopState, TopicPartition } from './log-port.ts'
import { Membership } from './membership.ts'
import { nameOf } from './offsets.ts'
import { Reader } from './reader.ts'
import { backoff, Pause, within } from './within.ts'

const SESSION_TIMEOUT = 10_000
const MAX_BYTES_PER_PARTITION = 256 * 1024
const COMMIT_INTERVAL = 200
const GOODBYE_TIMEOUT = 1500

/** A member of a group that reads its share by itself: the group only says who reads what. */
export class KafkajsMember implements GroupMember {
  readonly #options: GroupOptions
  readonly #link: KafkajsLink
  readonly #onClose: () => void
  readonly #reader: Reader
  readonly #membership: Membership
  readonly #heartbeat: number
  readonly #pause = new Pause()
  readonly #noted = new Map<string, LogPosition>()
  #running: Promise<void> | undefined
  #leaving = false
  #joined: { resolve: () => void; reject: (error: Error) => void } | undefined
  #committing: Promise<void> | undefined
  #commitTimer: NodeJS.Timeout | undefined
  #failures = 0
  #lastAnswerAt: number | undefined
  #problem: DsError | undefined
  #closed = false

  constructor(link: KafkajsLink, options: GroupOptions, onClose: () => void) {
    const { group, topics, sessionTimeout = SESSION_TIMEOUT, maxBytesPerPartition = MAX_BYTES_PER_PARTITION } = options
    this.#options = options
    this.#link = link
    this.#onClose = onClose
    this.#heartbeat = Math.min(1000, sessionTimeout / 6)
    this.#membership = new Membership({ link, group, topics, sessionTimeout })
    const { onBatch, onError } = options
    this.#reader = new Reader({ link, name: `group ${group}`, maxBytesPerPartition, onBatch, onError })
  }

  assignment(): readonly TopicPartition[] {
    return this.#reader.places()
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.#reader.pause(partitions)
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.#reader.resume(partitions)
  }

  commit(positions: readonly LogPosition[]): void {
    for (const position of positions) this.#noted.set(nameOf(position), position)
    if (this.#noted.size > 0) this.#commitTimer ??= setTimeout(() => void this.#commitSoon(), COMMIT_INTERVAL)
  }

  async flush(): Promise<void> {
    await this.#committing?.catch(() => undefined)
    await this.#sendNoted().catch((error: unknown) => {
      throw toBrokerError(error, this.#link.address)
    })
  }

  async leave(): Promise<void> {
    if (!this.#running) return
    this.#leaving = true
    await within(GOODBYE_TIMEOUT, 'The last commit', this.#sendNoted()).catch(() => undefined)
    clearTimeout(this.#commitTimer)
    this.#noted.clear()
    this.#pause.end()
    await within(GOODBYE_TIMEOUT, 'Leaving the group', this.#membership.leave(GOODBYE_TIMEOUT)).catch(() => undefined)
    await within(GOODBYE_TIMEOUT, 'The end of the loop', this.#running).catch(() => undefined)
    this.#revoke(this.#reader.places())
  }

  rejoin(): Promise<void> {
    if (this.#closed) return Promise.reject(new BrokerClosedError())
    if (this.#running && !this.#leaving) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#joined = { resolve, reject }
      const before = this.#running ?? Promise.resolve()
      this.#running = before.then(() => {
        this.#leaving = false
        return this.#run()
      })
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await this.leave()
    this.#closed = true
    this.#reader.close()
    this.#link.close()
    this.#joined?.reject(new BrokerClosedError())
    this.#onClose()
  }

  state(): LoopState {
    const reading = this.#reader.state()
    const lastAnswerAt = reading.waiting ? earlier(reading.lastAnswerAt, this.#lastAnswerAt) : this.#lastAnswerAt
    const problem = this.#problem?.message ?? reading.problem
    const waiting = this.#running !== undefined && !this.#leaving
    return { name: reading.name, lastAnswerAt, waiting, ...(problem !== undefined && { problem }) }
  }

  async #run(): Promise<void> {
    while (!this.#leaving) {
      try {
        await this.#enter()
        while (!this.#leaving) {
          await this.#pause.wait(this.#heartbeat)
          if (this.#leaving) break
          await this.#membership.heartbeat()
          this.#answered()
        }
      } catch (error) {
        await this.#stumble(error)
      }
    }
    this.#running = undefined
  }

  async #enter(): Promise<void> {
    if (this.#membership.isIn) return
    const owned = this.#reader.places()
    const share = await this.#membership.join(owned)
    const had = new Set(owned.map(nameOf))
    const has = new Set(share.map(nameOf))
    const added = share.filter((place) => !had.has(nameOf(place)))
    const starts = await this.#membership.committed(added)
    if (this.#leaving) return
    this.#answered()
    this.#revoke(owned.filter((place) => !has.has(nameOf(place))))
    if (added.length > 0) this.#options.onAssigned?.(added)
    for (const place of added) this.#reader.read(place, starts.get(nameOf(place)) ?? 'start')
    this.#reader.suspend(false)
    this.#joined?.resolve()
    this.#joined = undefined
  }

  #revoke(places: readonly TopicPartition[]): void {
    for (const place of places) {
      this.#reader.stop(place)
      this.#noted.delete(nameOf(place))
    }
    if (places.length > 0) this.#options.onRevoked?.(places)
  }

  #answered(): void {
    this.#lastAnswerAt = Date.now()
    this.#problem = undefined
    this.#failures = 0
  }

  async #stumble(error: unknown): Promise<void> {
    if (this.#leaving) return
    const type = typeOf(error)
    if (type === 'REBALANCE_IN_PROGRESS') return this.#rebalance()
    if (type === 'UNKNOWN_MEMBER_ID' || type === 'ILLEGAL_GENERATION' || type === 'FENCED_INSTANCE_ID')
      return this.#lost()
    const problem = toBrokerError(error, this.#link.address)
    this.#problem = problem
    this.#membership.forgetCoordinator()
    if (isHopeless(problem)) {
      this.#options.onError?.(problem)
      if (this.#joined) return this.#giveUp(problem)
    }
    await this.#pause.wait(backoff(this.#failures))
    this.#failures += 1
    await this.#link.refresh().catch(() => undefined)
  }

  /** The first attempt to join says what is wrong instead of trying for ever. */
  #giveUp(problem: DsError): void {
    this.#leaving = true
    this.#joined?.reject(problem)
    this.#joined = undefined
  }

  /** What was noted goes first, on the same connection: the next owner begins behind it. */
  async #rebalance(): Promise<void> {
    this.#reader.suspend(true)
    this.#options.onRebalancing?.()
    const committed = this.#sendNoted().catch(() => undefined)
    this.#membership.stepOut()
    await committed
  }

  /** Others may have read on meanwhile: everything begins anew from where the group left it. */
  #lost(): void {
    this.#membership.forget()
    this.#noted.clear()
    this.#options.onRebalancing?.()
    this.#revoke(this.#reader.places())
  }

  async #commitSoon(): Promise<void> {
    this.#commitTimer = undefined
    await this.#sendNoted().catch((error: unknown) => {
      this.#problem = toBrokerError(error, this.#link.address)
    })
    if (this.#noted.size > 0 && !this.#closed) this.commit([])
  }

  #sendNoted(): Promise<void> {
    this.#committing ??= this.#commitNoted().finally(() => (this.#committing = undefined))
    return this.#committing
  }

  async #commitNoted(): Promise<void> {
    const positions = [...this.#noted.values()].filter((place) => this.#reader.reads(place))
    if (positions.length === 0) return this.#noted.clear()
    if (!this.#membership.isIn) throw new BrokerUnavailableError(`No member of ${this.#options.group} at the moment`)
    await this.#membership.commit(positions)
    for (const position of positions) {
      if (this.#noted.get(nameOf(position)) === position) this.#noted.delete(nameOf(position))
    }
  }
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.min(a, b)
}
