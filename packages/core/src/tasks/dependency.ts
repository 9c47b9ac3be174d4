/**
 * Something that tasks need for as long as their worker lives: a connection, an index, a model. It is set up once per worker (and once per
 * thread or process of an isolated task), before the first task that lists it, and torn down in reverse order at the end.
 */
export interface Dependency<Name extends string = string, Value = unknown> {
  readonly kind: 'dependency'
  readonly name: Name
  /** Those that must be set up first. */
  readonly uses: readonly Dependency[]
  /** Makes the value. */
  readonly setup: (scope: DependencyScope) => Value | Promise<Value>
  /** Called once, at the end of its worker. */
  teardown?(value: Value): void | Promise<void>
}

/** What a setup function gets. */
export interface DependencyScope {
  /** The value of a dependency named in `uses`. Throws `DependencyNotReady` for any other. */
  get<Value>(dependency: Dependency<string, Value>): Value
  /** Fires when the worker shuts down. */
  readonly signal: AbortSignal
}

/** How a dependency is set up and torn down. */
export interface DependencyOptions<Value> {
  readonly uses?: readonly Dependency[]
  /** Makes the value. Where it fails, the worker does not start. */
  readonly setup: (scope: DependencyScope) => Value | Promise<Value>
  /** Called once, at the end of the worker. */
  readonly teardown?: (value: Value) => void | Promise<void>
}

/** The values of a list of dependencies, by name. */
export type DependencyValues<Dependencies extends readonly Dependency[]> = {
  readonly [Item in Dependencies[number] as Item['name']]: Item extends Dependency<string, infer Value> ? Value : never
}

/**
 * Defines a lifetime dependency.
 * @example
 * const searchIndex = defineDependency('searchIndex', { setup: () => openIndex(), teardown: (index) => index.close() })
 */
export function defineDependency<const Name extends string, Value>(
  name: Name,
  options: DependencyOptions<Value>,
): Dependency<Name, Value> {
  const { uses = [], setup, teardown } = options
  return { kind: 'dependency', name, uses, setup, ...(teardown ? { teardown } : undefined) }
}
