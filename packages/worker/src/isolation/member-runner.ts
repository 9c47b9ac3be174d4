import type { Logger, Outcome } from '@ds/core'
import { outcomeOfAbort } from '../outcome.ts'
import { pause } from '../within.ts'
import { Member } from './member.ts'
import type { MemberOptions } from './member.ts'
import type { RunnableDelivery, Runner } from './runner.ts'

/** Milliseconds members have to tear down and end. */
const STOP_PATIENCE = 5000
const FIRST_WAIT = 1000
const LONGEST_WAIT = 30_000

/**
 * Runs handlers in threads or processes. Each runs one task at a time, so that one that dies takes no other task along, and is used again;
 * another is started whenever none is idle, so there are as many as tasks have run at once.
 */
export class MemberRunner implements Runner {
  readonly #options: MemberOptions
  readonly #logger: Logger
  readonly #stopping = new AbortController()
  readonly #members = new Set<Member>()
  readonly #idle: Member[] = []
  #failedStarts = 0

  constructor(options: MemberOptions) {
    this.#options = options
    this.#logger = options.logger
  }

  /** Starts the first, so that an App that cannot be loaded there is known before a task is taken. */
  async start(): Promise<void> {
    this.#idle.push(await this.#startOne())
  }

  /** One that died while it was idle costs the task nothing: it runs on another. */
  async run(held: RunnableDelivery): Promise<Outcome> {
    for (;;) {
      const idle = this.#takeIdle()
      const member = idle ?? (await this.#startForTask())
      if (!member) return { type: 'released' }
      const outcome = await this.#runOn(member, held)
      if (outcome) return outcome
      if (!idle) return { type: 'lost' }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await Promise.all([...this.#members].map((member) => member.stop(STOP_PATIENCE)))
    this.#members.clear()
  }

  async #runOn(member: Member, held: RunnableDelivery): Promise<Outcome | undefined> {
    const { definition, task, aborted } = held
    const outcome = aborted ? outcomeOfAbort({ definition, task, aborted }, aborted) : await member.run(held)
    if (member.alive) this.#idle.push(member)
    else this.#members.delete(member)
    return outcome
  }

  /** The one that ran last of those that live. */
  #takeIdle(): Member | undefined {
    for (let member = this.#idle.pop(); member; member = this.#idle.pop()) {
      if (member.alive) return member
      this.#members.delete(member)
    }
    return undefined
  }

  /** A new one; undefined when none could be started, after a wait that grows. */
  async #startForTask(): Promise<Member | undefined> {
    try {
      return await this.#startOne()
    } catch (error) {
      const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failedStarts)
      this.#failedStarts += 1
      this.#logger.error(`No ${this.#options.isolation} for a task: giving it back in ${wait / 1000} s`, { error })
      await pause(wait, this.#stopping.signal)
      return undefined
    }
  }

  async #startOne(): Promise<Member> {
    const member = new Member(this.#options)
    this.#members.add(member)
    try {
      await member.ready
    } catch (error) {
      this.#members.delete(member)
      throw error
    }
    this.#failedStarts = 0
    return member
  }
}
