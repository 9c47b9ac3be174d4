import type { Broker } from '@ds/core'
import type { CreateOptions } from '../../src/broker-under-test.ts'
import type { CaseContext } from '../../src/case-context.ts'
import { check } from '../../src/check.ts'
import type { WorkerRole } from '../../src/children/program-options.ts'
import { startProgram } from '../../src/children/start-program.ts'
import { DONE } from '../../src/consuming.ts'
import type { ChildScript } from '../../src/faults/child-script.ts'
import { idsIn } from '../../src/groups/recovery/workers.ts'
import { TestWorker } from '../../src/test-worker.ts'

export interface FleetOptions {
  readonly size: number
  readonly role: Omit<WorkerRole, 'type'>
  readonly broker?: CreateOptions
}

/**
 * Worker processes; where tasks live in one process, one worker in this one. Keeps the books of what was started and of what was in
 * flight at kills.
 */
export class Fleet {
  inFlight = 0
  kills = 0
  readonly #context: CaseContext
  readonly #options: FleetOptions
  readonly #all: ChildScript[] = []
  readonly #living: ChildScript[] = []
  readonly #startedHere: string[] = []

  private constructor(context: CaseContext, options: FleetOptions) {
    this.#context = context
    this.#options = options
  }

  static async start(context: CaseContext, broker: Broker, options: FleetOptions): Promise<Fleet> {
    const fleet = new Fleet(context, options)
    if (!context.capabilities.shared) await fleet.#startHere(broker)
    else for (let index = 0; index < options.size; index++) fleet.#living.push(await fleet.#startChild())
    return fleet
  }

  /** The id of every start so far. */
  starts(): string[] {
    return [...this.#startedHere, ...this.#all.flatMap((child) => idsIn(child, 'start'))]
  }

  duplicates(): number {
    const starts = this.starts()
    return starts.length - new Set(starts).size
  }

  /** SIGKILL to one, and another in its place. */
  async killOne(): Promise<void> {
    const index = this.kills % this.#living.length
    const victim = this.#living[index]
    check(victim, 'there is no worker process to kill')
    await victim.kill()
    this.#noteDeath(victim)
    this.#living[index] = await this.#startChild()
  }

  /** Puts others in the place of those that have died by themselves. */
  async replaceDead(): Promise<void> {
    for (const [index, child] of this.#living.entries()) {
      if (child.running) continue
      this.#noteDeath(child)
      this.#living[index] = await this.#startChild()
    }
  }

  #noteDeath(child: ChildScript): void {
    const settled = new Set(idsIn(child, 'settled'))
    this.inFlight += idsIn(child, 'start').filter((id) => !settled.has(id)).length
    this.kills += 1
  }

  async #startChild(): Promise<ChildScript> {
    const child = await startProgram(this.#context, { type: 'worker', ...this.#options.role }, this.#options.broker)
    this.#all.push(child)
    await child.waitForLine('ready', { timeoutMs: 30_000 })
    return child
  }

  async #startHere(broker: Broker): Promise<void> {
    const { concurrency, lease, work } = this.#options.role
    const worker = await TestWorker.start({
      broker,
      queues: [this.#context.queue],
      concurrency: concurrency * this.#options.size,
      lease,
      handle: async ({ task }) => {
        this.#startedHere.push(task.id)
        await new Promise((resolve) => setTimeout(resolve, work))
        return DONE
      },
    })
    this.#context.atEnd(() => worker.stop())
  }
}
