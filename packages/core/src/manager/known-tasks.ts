import type { App } from '../app/app.ts'
import type { TaskDescription } from '../app/app-description.ts'
import type { Broker } from '../broker/broker.ts'
import { UnregisteredTaskError } from '../errors.ts'
import type { AnyTaskDefinition, ResolvedTaskOptions } from '../tasks/task-definition.ts'

/** What a manager must know of a definition to create a task of it. Only a definition that is at hand has a schema. */
export type TaskProfile = Pick<ResolvedTaskOptions, 'group' | 'maxRetries' | 'maxCrashes' | 'maxQueued' | 'args'>

/** How soon the announced Apps are read again for a name that is not among them, and how old they may get, in milliseconds. */
const READ_AGAIN = 2000
const STALE = 10_000

/** What is known of task names: by the manager's own App, else by the Apps that workers have announced. */
export class KnownTasks {
  readonly #broker: Broker
  readonly #app: App<AnyTaskDefinition> | undefined
  #announced: ReadonlyMap<string, TaskProfile> = new Map()
  /** Stand-ins for names that nobody registers, by group. Groups are few. */
  readonly #groups = new Map<string, TaskProfile>()
  #readAt = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined

  constructor(broker: Broker, app: App<AnyTaskDefinition> | undefined) {
    this.#broker = broker
    this.#app = app
  }

  /**
   * What is known of a name now; of one that nobody registers, what its group stands for. Announced Apps that are not fresh any
   * more are read again behind the scenes. Undefined where they must be read first: see {@link KnownTasks.require}.
   */
  find(name: string, group: string | undefined): TaskProfile | undefined {
    const own = this.#app?.tasks.get(name)
    if (own) return own.options
    const announced = this.#announced.get(name)
    // The failure of this read is no failure of the caller: what is known still holds.
    if (announced && performance.now() - this.#readAt > STALE) this.#read().catch(() => undefined)
    return announced ?? (group === undefined || this.#isDue() ? undefined : this.#ofGroup(group))
  }

  /**
   * What is known of a name, after reading the announced Apps, though not more often than every two seconds.
   * @throws UnregisteredTaskError where nothing is known and no group is given.
   */
  async require(name: string, group: string | undefined): Promise<TaskProfile> {
    if (this.#isDue()) await this.#read()
    const found = this.find(name, group) ?? (group === undefined ? undefined : this.#ofGroup(group))
    if (!found) throw this.#unregistered(name)
    return found
  }

  #isDue(): boolean {
    return this.#reading !== undefined || performance.now() - this.#readAt > READ_AGAIN
  }

  #ofGroup(group: string): TaskProfile {
    const profile = this.#groups.get(group) ?? { group, maxRetries: 0, maxCrashes: 3 }
    this.#groups.set(group, profile)
    return profile
  }

  #unregistered(name: string): UnregisteredTaskError {
    const names = new Set([...(this.#app?.tasks.keys() ?? []), ...this.#announced.keys()])
    return new UnregisteredTaskError(
      name,
      [...names],
      'Start a worker of its App once, pass the App as in connect({ app }), or name the group as in create(name, args, { group })',
    )
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readApps().finally(() => (this.#reading = undefined))
    return this.#reading
  }

  async #readApps(): Promise<void> {
    const apps = await this.#broker.apps()
    this.#announced = new Map(apps.flatMap((app) => app.tasks.map((task) => [task.name, profileOf(task)] as const)))
    this.#readAt = performance.now()
  }
}

function profileOf({ group, maxRetries, maxCrashes, maxQueued }: TaskDescription): TaskProfile {
  return { group, maxRetries, maxCrashes, ...(maxQueued !== undefined && { maxQueued }) }
}
