import type { Socket } from 'node:net'
import { passCuts } from './conditions.ts'
import type { Conditions, Direction, ProxyStatistics } from './conditions.ts'

/** What a connection asks of the proxy that holds it. */
export interface PipeOwner {
  readonly conditions: Conditions
  readonly statistics: ProxyStatistics
}

type Item = { kind: 'bytes'; chunk: Buffer } | { kind: 'end' } | { kind: 'cut'; cut: () => void }

// Enough for a window of traffic at high latency; beyond it the sender feels the queue, as on a real link.
const maximumQueuedBytes = 4 * 1024 * 1024

/** One direction of one connection: a queue of bytes, each with the time at which it may go on. */
export class ProxyPipe {
  readonly #owner: PipeOwner
  readonly #direction: Direction
  readonly #source: Socket
  readonly #target: Socket
  readonly #queue: { item: Item; due: number }[] = []
  #queuedBytes = 0
  #lastDue = 0
  #timer: NodeJS.Timeout | undefined
  #sealed = false
  /** Whether bytes of this direction were lost, so that going on would garble the stream. */
  garbled = false

  constructor(owner: PipeOwner, direction: Direction, ends: { source: Socket; target: Socket }) {
    this.#owner = owner
    this.#direction = direction
    this.#source = ends.source
    this.#target = ends.target
    this.#source.on('data', (chunk) => this.#receive(chunk))
    this.#source.on('end', () => this.#receiveEnd())
    this.#target.on('drain', () => this.update())
    this.update()
  }

  /** Nothing passes any more; what is queued up to here still does. */
  seal(): void {
    this.#sealed = true
  }

  /** Sends on what is due, and reads more or less; to be called when the conditions have changed. */
  update(): void {
    clearTimeout(this.#timer)
    const wait = this.#flush()
    if (wait > 0) this.#timer = setTimeout(() => this.update(), Math.ceil(wait))
    if (this.#queuedBytes > maximumQueuedBytes || this.#owner.conditions.state === 'frozen') this.#source.pause()
    else this.#source.resume()
  }

  close(): void {
    this.seal()
    clearTimeout(this.#timer)
    for (const { item } of this.#queue.splice(0)) if (item.kind === 'cut') item.cut()
  }

  #receive(chunk: Buffer): void {
    const { conditions } = this.#owner
    if (this.#sealed || conditions.state === 'blackHole') return this.#lose(chunk.length)
    const { passing, cut } = passCuts(conditions, this.#direction, chunk)
    for (const piece of this.#pieces(passing)) this.#append({ kind: 'bytes', chunk: piece }, piece.length)
    if (cut !== undefined) {
      this.#lose(chunk.length - passing.length)
      cut.begin()
      this.#append({ kind: 'cut', cut: () => cut.done(true) }, 0)
    }
    this.update()
  }

  /** The end of a stream is lost in a black hole like everything else. */
  #receiveEnd(): void {
    if (this.#sealed) return
    if (this.#owner.conditions.state === 'blackHole') {
      this.garbled = true
      return
    }
    this.#append({ kind: 'end' }, 0)
    this.update()
  }

  /** On a slow link bytes drip; they do not arrive by the 64 KiB. */
  #pieces(chunk: Buffer): Buffer[] {
    const { bytesPerSecond } = this.#owner.conditions
    const size = bytesPerSecond === undefined ? chunk.length : Math.max(1, Math.ceil(bytesPerSecond / 20))
    const pieces: Buffer[] = []
    for (let start = 0; start < chunk.length; start += size) pieces.push(chunk.subarray(start, start + size))
    return pieces
  }

  #lose(bytes: number): void {
    if (bytes > 0) this.garbled = true
    this.#owner.statistics.lost += bytes
  }

  #append(item: Item, bytes: number): void {
    const { latencyMs, bytesPerSecond } = this.#owner.conditions
    const travel = bytesPerSecond === undefined ? 0 : (bytes / bytesPerSecond) * 1000
    // A link is busy until the last byte before has left it; latency comes on top and does not add up.
    this.#lastDue = Math.max(performance.now() + latencyMs, this.#lastDue) + travel
    this.#queue.push({ item, due: this.#lastDue })
    this.#queuedBytes += bytes
  }

  /** Sends on what is due. Returns how long the next item has to wait, 0 when something else will wake the pipe. */
  #flush(): number {
    while (this.#owner.conditions.state === 'open' && !this.#target.writableNeedDrain) {
      const next = this.#queue[0]
      if (next === undefined) return 0
      const wait = next.due - performance.now()
      if (wait > 0) return wait
      this.#queue.shift()
      this.#deliver(next.item)
    }
    return 0
  }

  #deliver(item: Item): void {
    switch (item.kind) {
      case 'bytes':
        this.#queuedBytes -= item.chunk.length
        this.#owner.statistics[this.#direction] += item.chunk.length
        this.#target.write(item.chunk)
        return
      case 'end':
        this.#target.end()
        return
      case 'cut':
        // Written last and answered when all before it is with the kernel: a reset would throw away what is not.
        this.#target.write('', item.cut)
        return
    }
  }
}
