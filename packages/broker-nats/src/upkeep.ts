import { isFinal } from '@ds/core'
import type { Clock } from './jetstream/clock.ts'
import { deleteMessage } from './jetstream/delete-message.ts'
import type { Link } from './jetstream/link.ts'
import { readLogged } from './records/logged-record.ts'
import { LogWalk } from './jetstream/log-walk.ts'
import type { Mending } from './mending.ts'
import { recordSubjects } from './names.ts'
import type { Names } from './names.ts'
import type { Delivered } from './jetstream/pull.ts'
import type { Removals } from './records/removals.ts'

/** By then no submitter is between its two writes. */
const MENDING_AGE = 15_000
/** By then the server has written down what it holds no more (it does so every two minutes), and given up connections that say nothing. */
const SWEEPING_AGE = 600_000

export interface UpkeepParts {
  readonly link: Link
  readonly names: Names
  readonly mending: Mending
  readonly removals: Removals
  readonly clock: Clock
}

/**
 * Walks behind the log: one mends what crashes have left half done, one sweeps away what stands for removed tasks and for processes, one
 * removes finished tasks after their retention.
 */
export class Upkeep {
  readonly #parts: UpkeepParts
  readonly #mending: LogWalk
  readonly #walks: readonly LogWalk[]

  constructor(parts: UpkeepParts) {
    const { link, names, clock, mending } = parts
    this.#parts = parts
    const common = { link, clock, stream: names.tasks }
    const filter = recordSubjects(names)
    const { age } = link.settings.retention
    const look = (message: Delivered): Promise<number | undefined> => mending.look(message)
    this.#mending = new LogWalk({ ...common, walker: () => mending.walker(), age: MENDING_AGE, look })
    this.#walks = [
      this.#mending,
      new LogWalk({
        ...common,
        walker: () => ({ durable: 'sweeping', filter }),
        age: SWEEPING_AGE,
        look: (message) => this.sweep(message),
      }),
      ...(age === undefined
        ? []
        : [
            new LogWalk({
              ...common,
              walker: () => ({ durable: 'retention', filter }),
              age,
              look: (message) => this.#expire(message),
            }),
          ]),
    ]
  }

  async open(): Promise<void> {
    for (const walk of this.#walks) await walk.open()
  }

  /** Lets go of a connection that ends; `open` begins anew over the next one. */
  reset(): void {
    for (const walk of this.#walks) walk.reset()
  }

  close(): void {
    for (const walk of this.#walks) walk.close()
  }

  /** Mends anew where the server was started since, and may have given older records back. */
  afterRestart(): Promise<void> {
    return this.#parts.mending.afterRestart(this.#mending)
  }

  /** Takes away what has done its time: marks and tombstones. */
  async sweep({ subject, bytes, sequence }: Delivered): Promise<void> {
    const { link, names, removals } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'mark') await deleteMessage(link, names.tasks, sequence)
    else if (logged.type === 'removed') await removals.sweep({ ...logged, sequence })
  }

  async #expire({ subject, bytes, sequence }: Delivered): Promise<void> {
    const { names, removals } = this.#parts
    const logged = readLogged(names, subject, bytes)
    if (logged.type === 'record' && isFinal(logged.record.task.state)) {
      await removals.remove({ record: logged.record, revision: sequence })
    }
  }
}
