import { setTimeout as sleep } from 'node:timers/promises'
import { isFinal } from '@ds/core'
import { ack } from './jetstream/acknowledge.ts'
import type { Clock } from './jetstream/clock.ts'
import { deleteMessage } from './jetstream/delete-message.ts'
import { ensureWalker, removeDurable } from './jetstream/durable.ts'
import type { Link } from './jetstream/link.ts'
import { publish, publishIfExpected } from './jetstream/publish.ts'
import { QueuePuller } from './jetstream/pull.ts'
import type { Delivered } from './jetstream/pull.ts'
import type { StoredMessage, StreamReader } from './jetstream/stream-reader.ts'
import { canarySubject, recordSubjects } from './names.ts'
import type { Names } from './names.ts'
import type { Entries } from './records/entries.ts'
import { readLogged } from './records/logged-record.ts'
import { isJudgedByEntry } from './records/removals.ts'
import type { Removals } from './records/removals.ts'

const DURABLE = 'revived'
const BATCH = 200
/** Milliseconds for which a canary may be there because somebody is about to take it away, or looks already. */
const ARMING = 5000
const LOOKING = 300_000

/** What the canary says while somebody looks. */
const LOOKED_AT = 'looked at'

export interface RevivalsParts {
  readonly link: Link
  readonly names: Names
  readonly reader: StreamReader
  readonly entries: Entries
  readonly removals: Removals
  readonly clock: Clock
}

/**
 * Finds removed tasks that the server has brought back. One that was killed reads its files again, and there a message that was written over
 * leaves no trace of that, while the deletion of the one that took its place does: the former stands again, however long ago it was. A
 * **canary** shows it: a message that was written over, its successor deleted. Where it is there again, all records are looked at: a task whose
 * entry is gone was removed.
 */
export class Revivals {
  readonly #parts: RevivalsParts

  constructor(parts: RevivalsParts) {
    this.#parts = parts
  }

  /** Looks for the canary, and where it is there for what came back with it; then puts another one out. */
  async check(): Promise<void> {
    const { link, names, reader } = this.#parts
    const found = await reader.last(canarySubject(names), 'looking for what a kill has brought back')
    if (found) {
      if (this.#isYoung(found)) return
      const claim = { subject: canarySubject(names), body: LOOKED_AT, expected: found.sequence }
      if ((await publishIfExpected(link, claim, 'looking for what a kill has brought back')) === undefined) return
      await this.#lookAtAll()
    }
    await this.#putOut()
  }

  #isYoung({ time, bytes }: StoredMessage): boolean {
    const age = this.#parts.clock.now() - time
    return age < (Buffer.from(bytes).toString() === LOOKED_AT ? LOOKING : ARMING)
  }

  async #putOut(): Promise<void> {
    const { link, names } = this.#parts
    const message = { subject: canarySubject(names), body: '' }
    await publish(link, message, 'putting out a canary')
    const sequence = await publish(link, message, 'putting out a canary')
    await deleteMessage(link, names.tasks, sequence)
  }

  async #lookAtAll(): Promise<void> {
    const { link, names } = this.#parts
    await removeDurable(link, names.tasks, DURABLE)
    await ensureWalker(link, names.tasks, { durable: DURABLE, filter: recordSubjects(names) })
    const arrived: Delivered[] = []
    const onEntry = (message: Delivered): void => void arrived.push(message)
    const puller = new QueuePuller({ link, stream: names.tasks, durable: DURABLE, queue: DURABLE, onEntry })
    try {
      do {
        await puller.now(BATCH)
        await Promise.all(arrived.map((message) => this.#lookAt(message)))
        // The lists of others wait for the server too.
        await sleep(1)
      } while (arrived.splice(0).length > 0)
    } finally {
      puller.close()
    }
    await removeDurable(link, names.tasks, DURABLE)
  }

  async #lookAt({ subject, bytes, sequence, reply }: Delivered): Promise<void> {
    const { link, names, entries, removals } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'record' && isFinal(logged.record.task.state) && isJudgedByEntry(logged.record)) {
      const isGone = (await entries.locate(logged.record.task)) === undefined
      if (isGone) await removals.remove({ record: logged.record, revision: sequence })
    }
    ack(link, reply)
  }
}
