import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Dependency } from './dependency.ts'
import { milliseconds } from '../duration.ts'
import { ConfigInvalidError } from '../errors.ts'
import { checkId, checkLabel, DEFAULT_GROUP } from '../names.ts'
import { shown } from '../shown.ts'
import type {
  ErasedHandler,
  ResolvedTaskOptions,
  Schema,
  TaskDefinition,
  TaskHandler,
  TaskOptions,
} from './task-definition.ts'

/** What callers pass: the input of the args schema, else what the handler takes. */
export type InputOf<ArgsSchema, Fallback> = ArgsSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<ArgsSchema>
  : Fallback
/** What comes out of a schema, else what the handler says. */
export type OutputOf<SomeSchema, Fallback> = SomeSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<SomeSchema>
  : Fallback
/** What a handler may return: what the result schema accepts. */
export type ReturnOf<ResultSchema, Fallback> = ResultSchema extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<ResultSchema>
  : Fallback

/**
 * Binds a name to a function. Only the name travels: renaming the function or its file changes nothing.
 * @throws ConfigInvalidError for a name or option that cannot be used.
 * @example
 * const greet = defineTask('greet', async ({ greeted }: { greeted: string }) => `Hello ${greeted}!`)
 */
export function defineTask<const Name extends string, Args, Result>(
  name: Name,
  handler: TaskHandler<Args, Result>,
): TaskDefinition<Name, Args, Awaited<Result>>
export function defineTask<
  const Name extends string,
  Args,
  Result,
  ArgsSchema extends Schema | undefined = undefined,
  ResultSchema extends Schema | undefined = undefined,
  const Dependencies extends readonly Dependency[] = readonly [],
>(
  name: Name,
  options: TaskOptions<ArgsSchema, ResultSchema, Dependencies>,
  handler: TaskHandler<OutputOf<ArgsSchema, Args>, ReturnOf<ResultSchema, Result>, Dependencies>,
): TaskDefinition<Name, InputOf<ArgsSchema, Args>, OutputOf<ResultSchema, Awaited<Result>>>
export function defineTask(name: string, ...rest: readonly unknown[]): TaskDefinition {
  const [options, handler] = rest.length === 1 ? [{}, rest[0]] : rest
  if (typeof handler !== 'function') {
    throw new ConfigInvalidError(`The task ${JSON.stringify(name)} has no handler`, {
      fix: 'Pass a function as the last argument of defineTask',
    })
  }
  checkId('task name', name)
  return { kind: 'task', name, options: resolveOptions(name, options as AnyOptions), handler: handler as ErasedHandler }
}

type AnyOptions = TaskOptions<Schema | undefined, Schema | undefined, readonly Dependency[]>

const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  'args',
  'result',
  'group',
  'maxRetries',
  'retryOn',
  'backoff',
  'maxCrashes',
  'timeout',
  'grace',
  'isolation',
  'maxQueued',
  'dependencies',
  'description',
] satisfies (keyof AnyOptions)[])

function resolveOptions(name: string, options: AnyOptions): ResolvedTaskOptions {
  const unknown = Object.keys(options).find((key) => !KNOWN_OPTIONS.has(key))
  if (unknown !== undefined)
    throw new ConfigInvalidError(`The task ${name} has an unknown option ${unknown}`, {
      fix: `Known are: ${[...KNOWN_OPTIONS].join(', ')}`,
    })
  const what = (option: string): string => `${option} of the task ${name}`
  const { args, result, timeout, retryOn, backoff, maxQueued, description } = options
  return {
    ...(args && { args }),
    ...(result && { result }),
    group: checkLabel(what('group'), options.group ?? DEFAULT_GROUP),
    maxRetries: wholeNumber(what('maxRetries'), options.maxRetries ?? 0, 0),
    retry: { ...(retryOn && { retryOn }), ...(backoff && { backoff }) },
    maxCrashes: wholeNumber(what('maxCrashes'), options.maxCrashes ?? 3, 1),
    ...(timeout !== undefined && { timeout: milliseconds(timeout, what('timeout')) }),
    grace: milliseconds(options.grace ?? '5s', what('grace')),
    isolation: checkIsolation(what('isolation'), options.isolation ?? 'inline'),
    ...(maxQueued !== undefined && { maxQueued: wholeNumber(what('maxQueued'), maxQueued, 1) }),
    dependencies: options.dependencies ?? [],
    ...(description !== undefined && { description }),
  }
}

/** @throws ConfigInvalidError unless it is a whole number of at least `minimum`. */
export function wholeNumber(what: string, value: unknown, minimum: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum) return value
  throw new ConfigInvalidError(`${what} is ${shown(value)}`, {
    fix: `Give a whole number of at least ${minimum}`,
  })
}

function checkIsolation(what: string, value: unknown): 'inline' | 'thread' | 'process' {
  if (value === 'inline' || value === 'thread' || value === 'process') return value
  throw new ConfigInvalidError(`${what} is ${shown(value)}`, { fix: 'Use inline, thread or process' })
}
