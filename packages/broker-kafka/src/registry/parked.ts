import type { ParkedItem, ParkedStore } from '@ds/core'
import type { LogPort } from '../port/log-port.ts'
import { drawName } from '../state/keys.ts'
import type { Garbage } from '../state/partition.ts'
import type { Registered, Registry } from './registry.ts'

const PREFIX = 'parked:'

/** Garbage, with the partition it was found in. */
export type FoundGarbage = Garbage & { readonly partition: number }

/** What is kept beside the bytes. */
interface ParkedHeader {
  readonly schema: 1
  readonly source: string
  readonly partition: number
  readonly key: string
  readonly reason: string
  readonly parkedAt: number
}

/** Bytes that could not be decoded, in the registry: a line that says where they come from, and behind it the bytes. */
export class ParkedRecords implements ParkedStore {
  readonly #registry: Registry
  readonly #port: LogPort
  readonly #topic: string

  constructor(registry: Registry, { port, topic }: { port: LogPort; topic: string }) {
    this.#registry = registry
    this.#port = port
    this.#topic = topic
  }

  /** Keeps garbage under a name made of its place, so that doing it twice is doing it once. */
  add(found: readonly FoundGarbage[]): Promise<void> {
    return this.#registry.write(
      found.map(({ partition, offset, key, reason, at, bytes }) => {
        const source = `${this.#topic} partition ${partition} offset ${offset}`
        const header: ParkedHeader = { schema: 1, source, partition, key, reason, parkedAt: at }
        const value = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes])
        return [`${PREFIX}${partition}-${offset}`, value]
      }),
    )
  }

  async list({
    limit,
    cursor,
  }: {
    limit: number
    cursor?: string
  }): Promise<{ items: readonly ParkedItem[]; cursor?: string }> {
    const all = [...(await this.#all())].sort(([a], [b]) => (a < b ? -1 : 1))
    const rest = cursor === undefined ? all : all.filter(([id]) => id > cursor)
    const items = rest.slice(0, limit).map(([id, registered]) => itemOf(id, registered))
    const last = items.at(-1)
    return rest.length > limit && last ? { items, cursor: last.id } : { items }
  }

  async read(id: string): Promise<Uint8Array | undefined> {
    const found = (await this.#all()).get(id)
    return found && split(found).bytes
  }

  async remove(id: string): Promise<boolean> {
    if (!(await this.#all()).has(id)) return false
    await this.#registry.write([[PREFIX + id, null]])
    return true
  }

  async replay(id: string): Promise<boolean> {
    const found = (await this.#all()).get(id)
    if (!found) return false
    const { header, bytes } = split(found)
    // Under a key of its own: the one it had has a tombstone.
    const [, ...rest] = header.key.split(':')
    const key = Buffer.from(rest.length > 0 ? `${drawName()}:${rest.join(':')}` : drawName())
    await this.#port.append([{ topic: this.#topic, partition: header.partition, key, value: Buffer.from(bytes) }])
    await this.#registry.write([[PREFIX + id, null]])
    return true
  }

  async #all(): Promise<Map<string, Registered>> {
    const found = new Map<string, Registered>()
    for (const [key, registered] of await this.#registry.read())
      if (key.startsWith(PREFIX)) found.set(key.slice(PREFIX.length), registered)
    return found
  }
}

function split({ value }: Registered): { header: ParkedHeader; bytes: Uint8Array } {
  const end = value.indexOf(10)
  return {
    header: JSON.parse(value.toString('utf8', 0, end)) as ParkedHeader,
    bytes: new Uint8Array(value.subarray(end + 1)),
  }
}

function itemOf(id: string, registered: Registered): ParkedItem {
  const { header, bytes } = split(registered)
  const { source, reason, parkedAt } = header
  return { id, source, reason, parkedAt, size: bytes.byteLength }
}
