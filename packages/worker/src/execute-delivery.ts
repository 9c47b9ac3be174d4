import { decodePayload, InvalidArgumentsError, parseArgs, parseResult } from '@ds/core'
import type { Execution, Middleware, Outcome, Payload } from '@ds/core'
import type { ExecutionRuntime, RunningContext } from './context.ts'
import { outcomeOfError, outcomeOfResult } from './outcome.ts'

/**
 * Runs a delivery and says how it ended: the one path of all isolations. Args are checked by their schema, dependencies set up, the handler
 * called within the App's middleware, and its result checked and encoded. Never rejects.
 */
export async function executeDelivery(
  runtime: ExecutionRuntime,
  context: RunningContext,
  payload: Payload,
): Promise<Outcome> {
  try {
    return outcomeOfResult(context, await runHandler(runtime, context, payload), runtime.maxPayload)
  } catch (error) {
    return outcomeOfError(context, error)
  }
}

function runHandler(runtime: ExecutionRuntime, context: RunningContext, payload: Payload): unknown {
  const { handler, options } = context.definition
  const args = decodeArgs(context.definition.name, payload)
  const plain = !options.args && !options.result && runtime.middleware.length === 0
  // The types of a handler are its definition's own; what reaches it was checked there.
  if (plain && runtime.dependencies.has(options.dependencies)) return handler(args as never, context as never)
  return runSurrounded(runtime, context, args)
}

async function runSurrounded(runtime: ExecutionRuntime, context: RunningContext, raw: unknown): Promise<unknown> {
  const { definition } = context
  const { name, options } = definition
  const args = await parseArgs(name, options.args, raw)
  if (!runtime.dependencies.has(options.dependencies)) await runtime.dependencies.setUp(options.dependencies)
  const result = await runFrom(0, runtime.middleware, { definition, args, context })
  return parseResult(name, options.result, result)
}

/** Calls the handler within the middleware that stands at `index` and after. */
async function runFrom(index: number, middleware: readonly Middleware[], execution: Execution): Promise<unknown> {
  const current = middleware[index]
  if (!current) return execution.definition.handler(execution.args as never, execution.context as never)
  const next = (): Promise<unknown> => runFrom(index + 1, middleware, execution)
  return current.run ? current.run(execution, next) : next()
}

function decodeArgs(taskName: string, payload: Payload): unknown {
  try {
    return decodePayload(payload)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentsError(`The args of ${taskName} are not JSON: ${message}`, [], { cause: error })
  }
}
