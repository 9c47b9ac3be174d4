import type { ParkedItem, ParkedStore } from '../broker/broker.ts'
import type { MemoryQueues } from './memory-queues.ts'

type Parked = ParkedItem & { readonly bytes: Uint8Array }

/** What stood in a queue and is no task, kept for a person to look at. */
export class MemoryParked implements ParkedStore {
  readonly #queues: MemoryQueues
  readonly #items = new Map<string, Parked>()
  #count = 0

  constructor(queues: MemoryQueues) {
    this.#queues = queues
  }

  add(found: Pick<Parked, 'source' | 'bytes' | 'reason' | 'parkedAt'>): void {
    this.#count += 1
    const id = String(this.#count).padStart(12, '0')
    this.#items.set(id, { ...found, id, size: found.bytes.byteLength })
  }

  async list({
    limit,
    cursor,
  }: {
    limit: number
    cursor?: string
  }): Promise<{ items: readonly ParkedItem[]; cursor?: string }> {
    const rest = [...this.#items.values()].filter(({ id }) => cursor === undefined || id > cursor)
    const items = rest.slice(0, limit).map(({ bytes: _bytes, ...item }) => item)
    const last = items.at(-1)
    return rest.length > limit && last ? { items, cursor: last.id } : { items }
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    return this.#items.get(id)?.bytes
  }

  async remove(id: string): Promise<boolean> {
    return this.#items.delete(id)
  }

  async replay(id: string): Promise<boolean> {
    const item = this.#items.get(id)
    if (!item) return false
    this.#items.delete(id)
    this.#queues.addBytes(item.source, item.bytes)
    return true
  }
}
