import { DsError, toTaskError } from '@ds/core'
import type { AnyTaskDefinition, Dependency, DependencyScope, Logger } from '@ds/core'

/** A dependency was read that is not set up, for it is not listed where it is used; or a worker could not set up what its tasks list. */
export class DependencyNotReadyError extends DsError {
  constructor(message: string, options: { readonly fix: string; readonly cause?: unknown }) {
    super('DependencyNotReady', message, options)
  }
}

function notSetUp(name: string, fix: string): DependencyNotReadyError {
  return new DependencyNotReadyError(`The dependency ${name} is not set up`, { fix })
}

function couldNotSetUp(taskName: string, cause: unknown): DependencyNotReadyError {
  const { name, message, stacktrace } = toTaskError(cause)
  const [frame] = stacktrace
  const where = frame ? ` (${frame.file}:${frame.lineno})` : ''
  const fix = 'Mend its setup, or start the worker without the group of that task'
  return new DependencyNotReadyError(`A dependency of ${taskName} could not be set up: ${name}: ${message}${where}`, {
    fix,
    cause,
  })
}

interface ReadyDependency {
  readonly dependency: Dependency
  readonly value: unknown
}

/** The lifetime dependencies of one worker, thread or process: each set up once, those it uses first, torn down in reverse. */
export class DependencySet {
  readonly #signal: AbortSignal
  readonly #logger: Logger
  readonly #settingUp = new Map<Dependency, Promise<unknown>>()
  readonly #values = new Map<Dependency, unknown>()
  readonly #order: ReadyDependency[] = []
  readonly #byList = new WeakMap<readonly Dependency[], object>()

  constructor(options: { signal: AbortSignal; logger: Logger }) {
    this.#signal = options.signal
    this.#logger = options.logger
  }

  /** Whether all of a list are set up. */
  has(list: readonly Dependency[]): boolean {
    return list.length === 0 || this.#byList.has(list)
  }

  /** Sets up what is missing of a list, in its order. Rejects with the error of the first that fails; the next call tries it again. */
  async setUp(list: readonly Dependency[]): Promise<void> {
    for (const dependency of list) await this.#setUpOnce(dependency)
    if (!this.#byList.has(list)) this.#byList.set(list, this.#valuesByName(list))
  }

  /**
   * Sets up what these tasks list, before a worker takes the first of them.
   * @throws DependencyNotReadyError that names the task, and what was thrown and where.
   */
  async setUpFor(definitions: readonly AnyTaskDefinition[]): Promise<void> {
    for (const { name, options } of definitions) {
      try {
        await this.setUp(options.dependencies)
      } catch (cause) {
        throw couldNotSetUp(name, cause)
      }
    }
  }

  /** The values of a list that is set up, by name. Reading any other name throws `DependencyNotReadyError`. */
  values(list: readonly Dependency[]): object {
    return this.#byList.get(list) ?? NONE
  }

  /** Tears down what was set up, the last first. An error in one is logged and does not keep the others. */
  async tearDown(): Promise<void> {
    await Promise.allSettled(this.#settingUp.values())
    for (const { dependency, value } of this.#order.splice(0).reverse()) await this.#tearDownOne(dependency, value)
    this.#settingUp.clear()
    this.#values.clear()
  }

  #setUpOnce(dependency: Dependency): Promise<unknown> {
    const known = this.#settingUp.get(dependency)
    if (known) return known
    const settingUp = this.#setUpOne(dependency)
    this.#settingUp.set(dependency, settingUp)
    settingUp.catch(() => this.#settingUp.delete(dependency))
    return settingUp
  }

  async #setUpOne(dependency: Dependency): Promise<unknown> {
    for (const used of dependency.uses) await this.#setUpOnce(used)
    const value = await dependency.setup(this.#scopeOf(dependency))
    this.#order.push({ dependency, value })
    this.#values.set(dependency, value)
    return value
  }

  #scopeOf(owner: Dependency): DependencyScope {
    return {
      signal: this.#signal,
      get: <Value>(dependency: Dependency<string, Value>) => {
        if (owner.uses.includes(dependency) && this.#values.has(dependency))
          return this.#values.get(dependency) as Value
        throw notSetUp(dependency.name, `List it in \`uses\` of the dependency ${owner.name}`)
      },
    }
  }

  #valuesByName(list: readonly Dependency[]): object {
    const values = Object.create(NONE) as Record<string, unknown>
    for (const dependency of list) values[dependency.name] = this.#values.get(dependency)
    return Object.freeze(values)
  }

  async #tearDownOne(dependency: Dependency, value: unknown): Promise<void> {
    try {
      await dependency.teardown?.(value)
    } catch (error) {
      this.#logger.error(`The dependency ${dependency.name} could not be torn down`, { error })
    }
  }
}

/** What the language itself asks of any object: whoever awaits or prints the dependencies reads none of them. */
const ASKED_OF_ANY_OBJECT = new Set([
  'then',
  'toJSON',
  'constructor',
  'toString',
  'valueOf',
  '$$typeof',
  'asymmetricMatch',
])

/** The prototype of all dependencies: what is found nowhere else is asked here, and refused. */
const NONE: object = new Proxy(Object.freeze({}), {
  get(_target, name) {
    if (typeof name === 'symbol' || ASKED_OF_ANY_OBJECT.has(name)) return undefined
    throw notSetUp(name, 'List it in `dependencies` of the task')
  },
})
