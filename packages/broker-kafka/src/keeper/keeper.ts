import { setTimeout } from 'node:timers/promises'
import { DsError } from '@ds/core'
import type { Parts } from '../parts.ts'
import type { ParkedRecords } from '../registry/parked.ts'
import type { Partition } from '../state/partition.ts'
import { clearLitter } from './litter.ts'
import { loseExpired } from './leases.ts'
import { parkGarbage } from './garbage.ts'
import { expireFinished, sealFinished } from './seals.ts'

/** How often a keeper looks, in milliseconds. */
export const SWEEP_INTERVAL = 250
/** What has ended can wait: it is written together when there is so much of it, and at the latest at every fourth look. */
const MANY = 500
const THOROUGH_LOOK = 4
/** Between two looks where the first left something over, in milliseconds: there is other work to do. */
const BREATH = 50

/** What a keeper needs. */
export interface KeeperOptions {
  readonly parts: Parts
  readonly parked: ParkedRecords
  /** How long finished tasks are kept, in milliseconds; undefined: for ever. */
  readonly retention: number | undefined
}

/**
 * Sees to the partitions that were dealt to this process: leases that ran out, finished tasks to be sealed or let go, records that say
 * nothing any more, and garbage. It keeps nothing of its own: whoever comes after it finds all of that in the log.
 */
export class Keeper {
  readonly #options: KeeperOptions
  #kept: readonly number[] = []
  #looks = 0
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(options: KeeperOptions) {
    this.#options = options
  }

  open(): void {
    this.#timer = setInterval(() => this.#look(), SWEEP_INTERVAL)
    this.#timer.unref()
  }

  /** Takes over the partitions that were dealt to this process. */
  keep(partitions: readonly number[]): void {
    const { view } = this.#options.parts
    const former = this.#kept
    this.#kept = partitions
    for (const partition of partitions) view.want(partition)
    for (const partition of former) view.letGo(partition)
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#kept = []
    await this.#looking
  }

  #look(): void {
    this.#looking ??= this.#lookOver()
      .catch((error: unknown) => {
        // An outage: everything is found again at the next look.
        if (!DsError.is(error)) throw error
      })
      .finally(() => (this.#looking = undefined))
  }

  /** Looks again while there is so much left that it would grow from look to look. */
  async #lookOver(): Promise<void> {
    while (await this.#lookOnce()) {
      await setTimeout(BREATH)
      // What was written at the last look is known by then, or it would be written again.
      await Promise.all(this.#live().map(({ index }) => this.#options.parts.view.current(index)))
    }
  }

  /** The partitions that were dealt to this process, as far as they are read up to their end. */
  #live(): Partition[] {
    const { view } = this.#options.parts
    return this.#kept.filter((index) => view.isLive(index)).flatMap((index) => view.partitions[index] ?? [])
  }

  /** Whether a round was full, so that there may be more. */
  async #lookOnce(): Promise<boolean> {
    const { parts, parked, retention } = this.#options
    const kept = this.#live()
    if (kept.length === 0) return false
    await loseExpired(parts, kept)
    await parkGarbage(parts, kept, parked)
    this.#looks += 1
    const least = this.#looks % THOROUGH_LOOK === 0 ? 1 : MANY
    const rounds = [
      retention !== undefined && (await expireFinished(parts, kept, retention)),
      await sealFinished(parts, kept, least),
      await clearLitter(parts, kept, least),
    ]
    return rounds.includes(true)
  }
}
