import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Dependency, DependencyValues } from './dependency.ts'
import type { TaskContext } from './task-context.ts'
import type { RetryPolicy } from './retry-policy.ts'
import type { Duration } from '../duration.ts'

/** Where a handler runs: in the worker's own thread, or apart from the loop that renews leases. */
export type Isolation = 'inline' | 'thread' | 'process'
/** Any Standard Schema. */
export type Schema = StandardSchemaV1

/** What `defineTask` takes besides the handler. All optional. */
export interface TaskOptions<
  ArgsSchema extends Schema | undefined,
  ResultSchema extends Schema | undefined,
  Dependencies extends readonly Dependency[],
> {
  /** Any Standard Schema (zod, valibot, arktype). Checked where the task is created and again where it runs. */
  readonly args?: ArgsSchema
  /** Checked when the handler returns. */
  readonly result?: ResultSchema
  /** Which kind of worker runs it, `[a-z0-9-]{1,48}`. Default `default`. */
  readonly group?: string
  /** How many runs may follow the first. Default 0. */
  readonly maxRetries?: number
  /** Error classes, or a test, of what is retried. Default: everything but `Fatal`. */
  readonly retryOn?: RetryPolicy['retryOn']
  /** How long to wait before a retry. Default `exponential('1s', { max: '1m' })`. */
  readonly backoff?: RetryPolicy['backoff']
  /** How many deaths of its worker end it in ERROR `WorkerLost`. Default 3. */
  readonly maxCrashes?: number
  /** Time an attempt may take before its signal fires with reason `timeout`. Default: none. */
  readonly timeout?: Duration
  /** Time a handler has to end after its signal fired before its thread or process is ended. Default 5 s. */
  readonly grace?: Duration
  /** Default `inline`. */
  readonly isolation?: Isolation
  /** Refuse to create more while this many wait in the queue. Soft. */
  readonly maxQueued?: number
  /** Set up once per worker before its first task, torn down in reverse. */
  readonly dependencies?: Dependencies
  /** For people: one sentence. */
  readonly description?: string
}

/** The function behind a task. Args and result are any JSON. */
export type TaskHandler<Args, Result, Dependencies extends readonly Dependency[] = readonly []> = (
  args: Args,
  context: TaskContext<DependencyValues<Dependencies>>,
) => Result | Promise<Result>

/**
 * A name bound to a function, with its options. `Args` is what callers pass, `Result` what they read; with schemas these are the
 * input of the args schema and the output of the result schema.
 */
export interface TaskDefinition<Name extends string = string, Args = unknown, Result = unknown> {
  readonly kind: 'task'
  readonly name: Name
  readonly options: ResolvedTaskOptions
  readonly handler: ErasedHandler
  /** Carries the types; has no value. */
  readonly types?: { readonly args: Args; readonly result: Result }
}

/** Any definition, for code that handles all of them alike. */
export type AnyTaskDefinition = TaskDefinition<string, unknown, unknown>

/** A handler whose types only its definition knows; the worker checks args before it calls. */
export type ErasedHandler = (args: never, context: never) => unknown

/** Options with their defaults filled in and times in milliseconds. */
export interface ResolvedTaskOptions {
  readonly args?: Schema
  readonly result?: Schema
  readonly group: string
  readonly maxRetries: number
  readonly retry: RetryPolicy
  readonly maxCrashes: number
  readonly timeout?: number
  readonly grace: number
  readonly isolation: Isolation
  readonly maxQueued?: number
  readonly dependencies: readonly Dependency[]
  readonly description?: string
}
