import { headers } from '@nats-io/transport-node'
import type { MsgHdrs } from '@nats-io/transport-node'
import { isConflict } from './errors.ts'
import type { LastReader } from './last-reader.ts'
import type { Link } from './link.ts'
import { Tick } from './tick.ts'

const MOST_WRITES = 250
const EXPECTED = 'Nats-Expected-Last-Subject-Sequence'

/** A compare-and-set of one subject. */
export interface GroupWrite {
  readonly subject: string
  readonly body: string
  /** The sequence that must be the newest of the subject; 0 for none. */
  readonly expected: number
  /** What only this body begins with. */
  readonly beginning: string
}

type Written = number | undefined

interface Pending {
  readonly write: GroupWrite
  readonly resolve: (written: Written) => void
  readonly reject: (error: unknown) => void
}

/**
 * Writes in groups: of a group only the last write is answered, which says that the server is through with all of them, and one read
 * tells which of them stand. Three times as fast as an answer each. The answers mean the same.
 */
export class GroupWriter {
  readonly #link: Link
  readonly #reader: LastReader
  readonly #tick: Tick<Pending>

  constructor(link: Link, reader: LastReader) {
    this.#link = link
    this.#reader = reader
    this.#tick = new Tick(MOST_WRITES, (group) => void this.#writeGroup(group))
  }

  /** The new sequence; undefined where it does not stand, or it cannot be seen that it does: then read what stands. */
  write(write: GroupWrite): Promise<Written> {
    return new Promise((resolve, reject) => this.#tick.add({ write, resolve, reject }))
  }

  async #writeGroup(group: readonly Pending[]): Promise<void> {
    try {
      const last = group.at(-1)
      if (!last) return
      const silent = group.slice(0, -1)
      const written = await this.#link.call('storing tasks', () => {
        for (const { write } of silent) this.#link.publish(write.subject, write.body, { headers: headersOf(write) })
        return publishIfExpected(this.#link, last.write)
      })
      last.resolve(written)
      if (silent.length > 0) await this.#tellWhatStands(silent)
    } catch (error) {
      // Nobody knows what stands. Those that were told already are not told again.
      for (const { reject } of group) reject(error)
    }
  }

  async #tellWhatStands(silent: readonly Pending[]): Promise<void> {
    const standing = await this.#reader.read(
      silent.map(({ write }) => write.subject),
      'reading what stands',
    )
    for (const { write, resolve } of silent) {
      const message = standing.get(write.subject)
      resolve(message && beginsWith(message.bytes, write.beginning) ? message.sequence : undefined)
    }
  }
}

/** One write, answered by itself. Undefined where another sequence stands. */
export function writeIfExpected(link: Link, write: Omit<GroupWrite, 'beginning'>): Promise<Written> {
  return link.call('storing a task', () => publishIfExpected(link, write))
}

async function publishIfExpected(
  link: Link,
  { subject, body, expected }: Omit<GroupWrite, 'beginning'>,
): Promise<Written> {
  try {
    const { seq } = await link.js.publish(subject, body, { expect: { lastSubjectSequence: expected } })
    return seq
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

function headersOf({ expected }: GroupWrite): MsgHdrs {
  const header = headers()
  header.set(EXPECTED, String(expected))
  return header
}

function beginsWith(bytes: Uint8Array, beginning: string): boolean {
  return (
    Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, beginning.length)).toString('latin1') ===
    beginning
  )
}
