import { DsError, InvalidArgumentsError } from '../errors.ts'
import type { SchemaIssue } from '../errors.ts'
import type { Schema } from './task-definition.ts'
import { toTaskError } from './task-error.ts'

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = { readonly [key: string]: unknown }

/** A result that fails the definition's schema: an error of the handler, not retried. */
export class InvalidResultError extends DsError {
  readonly issues: readonly SchemaIssue[]

  constructor(taskName: string, issues: readonly SchemaIssue[]) {
    super('InvalidResult', `The result of ${taskName} does not fit its schema: ${describeIssues(issues)}`)
    this.issues = issues
  }
}

/**
 * Checks args against a definition's schema and gives the schema's output.
 * @throws InvalidArgumentsError that names each path.
 */
export async function parseArgs(taskName: string, schema: Schema | undefined, args: unknown): Promise<unknown> {
  if (!schema) return args
  return acceptedArgs(taskName, await schema['~standard'].validate(args))
}

/**
 * Checks args where a task is created. What travels is what the caller gave: the schema's output is made where the task runs. Gives
 * a promise only where the schema does.
 * @throws InvalidArgumentsError that names each path, or that the schema itself failed.
 */
export function checkArgs(taskName: string, schema: Schema, args: unknown): Promise<void> | undefined {
  try {
    // What travels for no args at all is null.
    const checked = schema['~standard'].validate(args === undefined ? null : args)
    if (checked instanceof Promise) return acceptLate(taskName, checked)
    acceptedArgs(taskName, checked)
    return undefined
  } catch (error) {
    throw schemaFailed(taskName, error)
  }
}

async function acceptLate(taskName: string, checking: Promise<StandardResult>): Promise<void> {
  try {
    acceptedArgs(taskName, await checking)
  } catch (error) {
    throw schemaFailed(taskName, error)
  }
}

/** What a schema throws, where it should have answered, as an error that names the task. */
function schemaFailed(taskName: string, error: unknown): DsError {
  if (DsError.is(error)) return error
  const { name, message } = toTaskError(error)
  const why = `${name}: ${message}`
  const issues = [{ path: '', message: why }]
  const fix = 'A schema answers with issues, and throws nothing'
  return new InvalidArgumentsError(`The schema for the args of ${taskName} failed: ${why}`, issues, {
    cause: error,
    fix,
  })
}

function acceptedArgs(taskName: string, checked: StandardResult): unknown {
  if (!checked.issues) return checked.value
  const issues = issuesOf(checked.issues)
  throw new InvalidArgumentsError(`The args of ${taskName} do not fit its schema: ${describeIssues(issues)}`, issues)
}

/** @throws InvalidResultError that names each path. */
export async function parseResult(taskName: string, schema: Schema | undefined, result: unknown): Promise<unknown> {
  if (!schema) return result
  const checked = await schema['~standard'].validate(result)
  if (!checked.issues) return checked.value
  throw new InvalidResultError(taskName, issuesOf(checked.issues))
}

type StandardResult = Awaited<ReturnType<Schema['~standard']['validate']>>
type StandardIssues = NonNullable<StandardResult['issues']>

function issuesOf(issues: StandardIssues): SchemaIssue[] {
  return issues.map((issue) => ({ path: pathOf(issue.path ?? []), message: issue.message }))
}

function pathOf(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  let text = ''
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment
    text += typeof key === 'number' ? `[${key}]` : `${text === '' ? '' : '.'}${String(key)}`
  }
  return text
}

function describeIssues(issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
}

/** The JSON Schema of a schema that can say it (Standard JSON Schema, as zod 4 and arktype have it). */
export function jsonSchemaOf(schema: Schema): JsonSchema | undefined {
  const standard: object = schema['~standard']
  if (!('jsonSchema' in standard)) return undefined
  const converter = standard.jsonSchema as { input?: (options: { target: string }) => JsonSchema }
  try {
    return converter.input?.({ target: 'draft-2020-12' })
  } catch {
    // A schema with parts that JSON Schema cannot say, such as a transform: the name and group are still worth showing.
    return undefined
  }
}
