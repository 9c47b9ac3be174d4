import { BrokerUnavailableError } from '@ds/core'
import type { LogBatch, LogPort, Tail } from '../port/log-port.ts'

/** A value of the registry and when it was written. */
export interface Registered {
  readonly value: Buffer
  readonly at: number
}

/** What a {@link Registry} needs. */
export interface RegistryOptions {
  readonly port: LogPort
  readonly topic: string
  readonly patience: number
}

/** A compacted topic read as a map: what is seldom written and seldom asked for. It is read from the first question on. */
export class Registry {
  readonly #options: RegistryOptions
  readonly #values = new Map<string, Registered>()
  readonly #waiters: Set<{ readonly offset: number; readonly resolve: () => void }> = new Set()
  #tail: Promise<Tail> | undefined
  #position = 0

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** Everything that stands there at this moment. */
  async read(): Promise<ReadonlyMap<string, Registered>> {
    const { port, topic } = this.#options
    this.#tail ??= this.#open()
    await this.#tail
    const end = (await port.endOffsets(topic, [0])).get(0) ?? 0
    await this.#reach(end)
    return this.#values
  }

  /** Writes values; null takes one away. */
  async write(values: readonly (readonly [key: string, value: Buffer | null])[]): Promise<void> {
    const { port, topic } = this.#options
    await port.append(values.map(([key, value]) => ({ topic, partition: 0, key: Buffer.from(key), value })))
  }

  async close(): Promise<void> {
    await (await this.#tail?.catch(() => undefined))?.close()
  }

  async #open(): Promise<Tail> {
    const { port, topic } = this.#options
    const tail = await port.tail({ topic, onBatch: (batch) => this.#fold(batch) })
    tail.setPartitions(new Map([[0, 'start']]))
    return tail
  }

  #fold({ entries, position }: LogBatch): void {
    for (const { key, value, timestamp } of entries) {
      const name = key?.toString() ?? ''
      // Anew at the end, so that the map is in the order of the log.
      this.#values.delete(name)
      if (value !== null) this.#values.set(name, { value: Buffer.from(value), at: timestamp })
    }
    this.#position = position
    for (const waiter of this.#waiters) if (position >= waiter.offset) waiter.resolve()
  }

  #reach(offset: number): Promise<void> {
    if (this.#position >= offset) return Promise.resolve()
    const { patience, topic } = this.#options
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter = { offset, resolve: () => (end(), resolve()) }
      const timer = setTimeout(() => {
        end()
        reject(new BrokerUnavailableError(`The topic ${topic} was not read within ${patience} ms`))
      }, patience)
      this.#waiters.add(waiter)
    })
  }
}
