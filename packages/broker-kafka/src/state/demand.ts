import type { Partition } from './partition.ts'
import type { StateView } from './state-view.ts'

/** How long a partition is read on after a call asked for one of its tasks, in milliseconds. */
const LINGER = 60_000

/**
 * What calls of this process want to be read. A manager reads everything from the start; a process that opens a consumer reads what its
 * consumers serve, so that its cost does not grow with what others do, until somebody asks for a view of everything.
 */
export class Demand {
  readonly #view: StateView
  readonly #all: readonly number[]
  readonly #touched = new Map<number, number>()
  #wantsAll = false
  #needsAll = false
  #timer: NodeJS.Timeout | undefined

  constructor(view: StateView) {
    this.#view = view
    this.#all = view.partitions.map(({ index }) => index)
  }

  open(): void {
    this.#wantAll()
    this.#timer = setInterval(() => this.#release(), LINGER / 4)
    this.#timer.unref()
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** A consumer was opened here: what nobody has asked for is not read any more. */
  narrow(): void {
    if (this.#needsAll || !this.#wantsAll) return
    this.#wantsAll = false
    for (const partition of this.#all) this.#view.letGo(partition)
  }

  /** The partition of a task, with everything in it that this process has written. */
  async partition(index: number): Promise<Partition> {
    // Even if everything is read now: a consumer that opens before the answer is there narrows that down.
    this.#touch(index)
    await turn()
    return this.#view.current(index)
  }

  /** All partitions, with everything that this process has written. */
  async everything(): Promise<readonly Partition[]> {
    this.#needsAll = true
    this.#wantAll()
    await turn()
    return Promise.all(this.#all.map((partition) => this.#view.current(partition)))
  }

  #wantAll(): void {
    if (this.#wantsAll) return
    this.#wantsAll = true
    for (const partition of this.#all) this.#view.want(partition)
  }

  #touch(partition: number): void {
    if (!this.#touched.has(partition)) this.#view.want(partition)
    this.#touched.set(partition, Date.now())
  }

  #release(): void {
    const before = Date.now() - LINGER
    for (const [partition, at] of this.#touched) {
      if (at > before) continue
      this.#touched.delete(partition)
      this.#view.letGo(partition)
    }
  }
}

/** Answers from memory still take a turn of the event loop: whoever asks again and again would keep the view from ever changing. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
