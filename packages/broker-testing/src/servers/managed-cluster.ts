import { waitUntil } from '../faults/waiting.ts'
import { ServerStartError } from './errors.ts'
import type { ServerKind, TestCluster, TestServer } from './server.ts'

/** Members of one cluster, and how to tell that they have found each other. */
export interface ClusterPlan {
  members: readonly TestServer[]
  /** What is to be done once, when all members have been started for the first time. */
  join?: () => Promise<void>
  /** Whether every member sees a whole cluster. It may throw: that is a no. */
  isSettled: () => Promise<boolean>
  readyTimeoutMs: number
}

/** Several servers of this process that form one cluster. */
export class ManagedCluster implements TestCluster {
  readonly kind: ServerKind
  readonly url: string
  readonly version: string
  readonly members: readonly TestServer[]
  readonly #plan: ClusterPlan
  #joined = false

  constructor(kind: ServerKind, plan: ClusterPlan) {
    const [first, ...others] = plan.members
    if (first === undefined) throw new RangeError('A cluster needs at least one member.')
    this.kind = kind
    this.#plan = plan
    this.members = plan.members
    this.version = first.version
    this.url = [first.url, ...others.map(({ host, port }) => `${host}:${port}`)].join(',')
  }

  async start(): Promise<void> {
    await this.#each((member) => member.start())
    if (!this.#joined) await this.#plan.join?.()
    this.#joined = true
    await this.#settle(this.#plan.readyTimeoutMs)
  }

  async stop(): Promise<void> {
    await this.#each((member) => member.stop())
  }

  async kill(): Promise<void> {
    await this.#each((member) => member.kill())
  }

  async pause(): Promise<void> {
    await this.#each((member) => member.pause())
  }

  async resume(): Promise<void> {
    await this.#each((member) => member.resume())
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async waitUntilReady(timeoutMs: number = this.#plan.readyTimeoutMs): Promise<void> {
    await this.#each((member) => member.waitUntilReady(timeoutMs))
    await this.#settle(timeoutMs)
  }

  async close(): Promise<void> {
    await this.#each((member) => member.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #settle(timeoutMs: number): Promise<void> {
    const what = `${this.members.length} ${this.kind} servers to form a cluster`
    try {
      await waitUntil(this.#plan.isSettled, { what, timeoutMs, intervalMs: 50 })
    } catch (error) {
      const log = this.members.map((member) => member.output().trimEnd().split('\n').slice(-5).join('\n')).join('\n')
      throw new ServerStartError(`Waited ${timeoutMs / 1000} s for ${what}`, log, error)
    }
  }

  /** All at once; the first failure is thrown when every one has come to an end, so that nothing goes on behind it. */
  async #each(act: (member: TestServer) => Promise<void>): Promise<void> {
    const outcomes = await Promise.allSettled(this.members.map(act))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }
}
