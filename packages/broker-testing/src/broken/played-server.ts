import { BrokerUnavailableError, createMemoryBroker } from '@ds/core'
import type { BrokerOptions, MemoryBroker } from '@ds/core'
import type { FaultyServer } from '../broker-under-test.ts'

type Condition = 'up' | 'stopped' | 'standing still'

/**
 * A server that is only played: memory brokers by namespace, which several views share, and a switch that keeps the views from
 * them. With it the kit can test itself, outages included; of a broker it shows nothing.
 */
export class PlayedServer {
  readonly #stores = new Map<string, MemoryBroker>()
  readonly #onChange = new Set<() => void>()
  #condition: Condition = 'up'

  /** The tasks of a namespace. Options count when it is first asked for. */
  async store(options: BrokerOptions): Promise<MemoryBroker> {
    const namespace = options.namespace ?? 'default'
    const known = this.#stores.get(namespace)
    if (known) return known
    const store = createMemoryBroker(options)
    this.#stores.set(namespace, store)
    await store.connect()
    return store
  }

  get isUp(): boolean {
    return this.#condition === 'up'
  }

  change(condition: Condition): void {
    this.#condition = condition
    for (const listener of [...this.#onChange]) listener()
  }

  /** Called on every change until the returned function is. */
  onChange(listener: () => void): () => void {
    this.#onChange.add(listener)
    return () => this.#onChange.delete(listener)
  }

  /** Rejects as an adapter does whose server is away: at once, or within the time of its patience. */
  async reach(): Promise<void> {
    if (this.#condition === 'standing still') await new Promise((resolve) => setTimeout(resolve, 300))
    if (!this.isUp) throw away()
  }

  /** Resolves with the promise, or rejects when the server goes away first. */
  whileUp<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const stop = this.onChange(() => {
        if (this.isUp) return
        stop()
        reject(away())
      })
      promise.then(resolve, reject).finally(stop)
    })
  }

  /** As the kit breaks it. */
  faulty(url: string): FaultyServer {
    return {
      url,
      stop: async () => this.change('stopped'),
      start: async () => this.change('up'),
      kill: async () => this.change('stopped'),
      pause: async () => this.change('standing still'),
      resume: () => this.change('up'),
      close: () => this.close(),
    }
  }

  async close(): Promise<void> {
    this.change('stopped')
    for (const store of this.#stores.values()) await store.close()
    this.#stores.clear()
  }
}

function away(): BrokerUnavailableError {
  return new BrokerUnavailableError('The played server does not answer')
}
