import type { Parts } from '../parts.ts'
import type { Chain } from '../state/chain.ts'
import type { Entry } from '../state/entry.ts'
import type { Lanes, Partition } from '../state/partition.ts'
import { payloadsOf } from '../state/payloads.ts'
import type { StateWrite } from '../state/state-view.ts'
import type { Holding, Holdings } from './holdings.ts'
import { Pace } from './pace.ts'

/** The most tasks that are claimed beyond those that were asked for. */
export const CLAIM_AHEAD = 256

/** How long the answers to claims are waited for at an end, in milliseconds. */
const PATIENCE = 2000

/** What a {@link Claimer} needs. */
export interface ClaimerOptions {
  readonly parts: Parts
  /** The consumer's name. */
  readonly consumer: string
  readonly queues: readonly string[]
  readonly lease: number
  readonly holdings: Holdings
  /** Something came to lie on the stage in another turn than that in which its claim was read. */
  readonly onStaged: () => void
  /** Something was claimed that cannot be handed out now. */
  readonly onRefused: (holding: Holding) => void
}

/** Claims waiting tasks of the partitions that were dealt to a consumer, and lays those it won on a stage. */
export class Claimer {
  readonly stage: Holding[] = []
  readonly pace: Pace = new Pace()
  readonly #options: ClaimerOptions
  /** Claims whose answer is open. */
  readonly #open = new Map<string, Entry>()
  #served: ReadonlyMap<string, readonly number[]> = new Map()
  #asked = 0
  #claims = 0
  #scheduled = false
  #timer: NodeJS.Timeout | undefined
  #onQuiet: (() => void)[] = []

  constructor(options: ClaimerOptions) {
    this.#options = options
  }

  /** Takes over the partitions of each queue that were dealt to this consumer. */
  serve(served: ReadonlyMap<string, readonly number[]>): void {
    const { view } = this.#options.parts
    const former = this.#served
    this.#served = served
    for (const partition of [...served.values()].flat()) view.want(partition)
    for (const partition of [...former.values()].flat()) view.letGo(partition)
    this.schedule()
  }

  /** How many tasks somebody waits for. */
  ask(count: number): void {
    this.#asked = count
    if (count > 0) this.schedule()
  }

  /** Looks at the end of the turn whether there is something to claim. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#claim()
    })
  }

  /** Whether every claim has its answer. */
  get isQuiet(): boolean {
    return this.#open.size === 0
  }

  /** Claims nothing more until somebody asks again; resolves once every claim has its answer, or would have it if servers answered. */
  settleDown(): Promise<void> {
    this.#asked = 0
    if (this.isQuiet) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE)
      this.#onQuiet.push(() => (clearTimeout(timer), resolve()))
    })
  }

  /** The log says that a claim of this consumer stands whose answer was not waited for any more. */
  adopt(entry: Entry, claim: string): void {
    this.#options.holdings.prepare(entry, claim)
    this.#won(entry, claim)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#asked = 0
    this.serve(new Map())
  }

  #claim(): void {
    if (this.#asked === 0) return
    const room = this.#asked + this.pace.ahead(CLAIM_AHEAD) - this.stage.length - this.#open.size
    if (room <= 0) return
    const entries = this.#take(room)
    if (entries.length > 0) this.#write(entries)
    if (entries.length < room) this.#wakeWhenDue()
  }

  /** Takes waiting tasks out of their lanes: those of the earlier queues first, of one queue the oldest first. */
  #take(room: number): Entry[] {
    const { parts, queues } = this.#options
    const now = parts.clock.now()
    const taken: Entry[] = []
    for (const queue of queues) {
      if (taken.length >= room) break
      const partitions = (this.#served.get(queue) ?? []).filter((partition) => parts.view.isLive(partition))
      const lanes = partitions.flatMap((partition) => parts.view.partitions[partition]?.promote(queue, now) ?? [])
      this.#takeSuspect(lanes, taken)
      takeOldest(
        lanes.map(({ ready }) => ready),
        room,
        taken,
      )
    }
    return taken
  }

  /** One at a time, so that a task that kills its worker takes no other such task with it. */
  #takeSuspect(lanes: readonly Lanes[], taken: Entry[]): void {
    if (this.#options.holdings.hasSuspect || taken.some(({ task }) => task.crashes > 0)) return
    takeOldest(
      lanes.map(({ suspects }) => suspects),
      taken.length + 1,
      taken,
    )
  }

  #write(entries: readonly Entry[]): void {
    const { parts, consumer, lease, holdings } = this.#options
    const names: string[] = []
    const writes = entries.map((entry): StateWrite => {
      const claim = `${consumer}.${(this.#claims++).toString(36)}`
      const { id, partition, task } = entry
      names.push(claim)
      this.#open.set(claim, entry)
      holdings.prepare(entry, claim)
      const answered = ({ answer }: { answer: string }): void => this.#answered(claim, entry, answer === 'claimed')
      parts.view.answers.listen(claim, answered, () => this.#answered(claim, entry, false))
      const { incarnation, attempt } = task
      return { id, partition, record: { type: 'claimed', incarnation, attempt: attempt + 1, claim, lease } }
    })
    parts.view.write(writes).catch((error: unknown) => {
      // They may stand in the log all the same: then they are adopted when they are read.
      for (const name of names) parts.view.answers.fail(name, error as Error)
    })
  }

  #answered(claim: string, entry: Entry, won: boolean): void {
    const { holdings, parts } = this.#options
    this.#open.delete(claim)
    if (won) this.#won(entry, claim)
    else {
      holdings.end(entry, claim)
      partitionOfEntry(parts, entry)?.wait(entry, parts.clock.now())
      this.schedule()
    }
    this.#noteQuiet()
  }

  #won(entry: Entry, claim: string): void {
    const holding = this.#options.holdings.add(entry, claim)
    if (entry.args !== undefined) this.stage.push(holding)
    else void this.#fetchArgs(holding)
  }

  /** Of a task that was retried long after it had ended memory may hold no args. */
  async #fetchArgs(holding: Holding): Promise<void> {
    const { parts, holdings, onStaged, onRefused } = this.#options
    const { entry, claim } = holding
    this.#open.set(claim, entry)
    const found = await payloadsOf(parts, [entry]).catch(() => undefined)
    this.#open.delete(claim)
    const args = found?.get(entry)?.args
    if (holdings.get(claim) === holding) {
      entry.args ??= args
      if (args === undefined) onRefused(holding)
      else this.stage.push(holding)
      onStaged()
    }
    this.#noteQuiet()
  }

  #noteQuiet(): void {
    if (this.#open.size > 0) return
    for (const resolve of this.#onQuiet.splice(0)) resolve()
  }

  /** Delayed tasks tell nobody when their time has come. */
  #wakeWhenDue(): void {
    clearTimeout(this.#timer)
    const { parts } = this.#options
    let next = Infinity
    for (const [queue, partitions] of this.#served) {
      for (const partition of partitions) {
        const due = parts.view.partitions[partition]?.lanes.get(queue)?.delayed.next
        if (due !== undefined && due < next) next = due
      }
    }
    if (next === Infinity) return
    // Not beyond what a timer holds; looked at again then.
    this.#timer = setTimeout(() => this.#claim(), Math.min(Math.max(1, next - parts.clock.now()), 60_000))
    this.#timer.unref()
  }
}

function takeOldest(chains: readonly Chain<Entry>[], room: number, taken: Entry[]): void {
  while (taken.length < room) {
    let oldest: Entry | undefined
    for (const { first } of chains) {
      if (first && (!oldest || first.task.createdAt < oldest.task.createdAt)) oldest = first
    }
    if (!oldest) return
    oldest.chain?.remove(oldest)
    taken.push(oldest)
  }
}

function partitionOfEntry({ view }: Parts, entry: Entry): Partition | undefined {
  return view.partitions[entry.partition]
}
