import { EventBuffer } from './event-buffer.ts'
import { DsError } from '../errors.ts'
import type { TaskEvent } from '../events.ts'

/** What fills a watch. */
export interface WatchSource {
  /** Begins to fill the watch. Called once, with the first step of the loop. */
  start(watch: Watch): void
  /** Fills it no more. Called once. */
  stop(): void
  /** Whether an event is still news as it is handed to the reader. */
  accepts(event: TaskEvent): boolean
  /** What stands for events that the watch had no room for. */
  readAgain(): Promise<TaskEvent[]>
}

/** Surrounds each wait for an event. */
export type WaitWrapper = <Value>(wait: () => Promise<Value>) => Promise<Value>

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined
  readonly onWait?: WaitWrapper | undefined
}

type Step = IteratorResult<TaskEvent, undefined>

const DONE: Step = { done: true, value: undefined }

/** One loop over events. Its buffer is bounded; leaving the loop, the signal, or the end of the manager ends it. */
export class Watch implements AsyncIterableIterator<TaskEvent, undefined> {
  readonly #source: WatchSource
  readonly #onWait: WaitWrapper | undefined
  readonly #signal: AbortSignal | undefined
  readonly #ending = new AbortController()
  readonly #buffer: EventBuffer
  /** What was read again and is not handed out yet, the next one last. */
  #again: TaskEvent[] = []
  #turn: Promise<unknown> = Promise.resolve()
  #started = false
  #failure: Error | undefined

  constructor(source: WatchSource, { signal, onWait }: WatchOptions) {
    this.#source = source
    this.#onWait = onWait
    this.#signal = signal
    this.#buffer = new EventBuffer({ filter: {}, signal: this.#ending.signal })
  }

  /** Adds an event for the reader. */
  push(event: TaskEvent): void {
    this.#buffer.push(event)
  }

  /** Says that events may be missing here. */
  resync(): void {
    this.#buffer.resync()
  }

  /** Ends the loop once all that is held was read, with an error unless it is the manager's own end. */
  end(error?: Error): void {
    if (error && !DsError.is(error, 'BrokerClosed')) this.#failure = error
    this.#stop()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<Step> {
    const step = this.#turn.then(() => (this.#onWait ? this.#onWait(() => this.#take()) : this.#take()))
    this.#turn = step.catch(() => undefined)
    return step
  }

  return(): Promise<Step> {
    this.#again = []
    this.#stop()
    void this.#buffer.return()
    return Promise.resolve(DONE)
  }

  async #take(): Promise<Step> {
    if (!this.#started) this.#start()
    for (;;) {
      const again = this.#again.pop()
      if (again) return { done: false, value: again }
      const { done, value } = await this.#buffer.next()
      if (done) return this.#finish()
      if (value.type === 'resync') this.#again = (await this.#source.readAgain()).reverse()
      else if (this.#source.accepts(value)) return { done: false, value }
    }
  }

  #finish(): Step {
    const failure = this.#failure
    this.#failure = undefined
    if (failure) throw failure
    return DONE
  }

  #start(): void {
    this.#started = true
    if (this.#signal?.aborted || this.#ending.signal.aborted) return this.#stop()
    this.#signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#source.start(this)
  }

  readonly #onAbort = (): void => this.#stop()

  #stop(): void {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    this.#signal?.removeEventListener('abort', this.#onAbort)
    if (this.#started) this.#source.stop()
  }
}
