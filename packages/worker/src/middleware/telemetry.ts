import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Span, Tracer } from '@opentelemetry/api'
import type { Execution, Middleware, TaskHeaders } from '@ds/core'

/** Options of {@link telemetry}. */
export interface TelemetryOptions {
  /** Default: that of the globally registered provider, under the name `@ds/worker`. */
  readonly tracer?: Tracer
}

/**
 * Traces tasks with OpenTelemetry: a span around each run, whose parent is the span in which the task was created, wherever that was.
 * Needs `@opentelemetry/api` beside this package, and an SDK set up in each process that creates or runs tasks; an App that sets it
 * up in its own module has it in threads and processes as well.
 * @example
 * import { telemetry } from '@ds/worker/telemetry'
 * app.use(telemetry())
 */
export function telemetry(options: TelemetryOptions = {}): Middleware {
  const tracer = options.tracer ?? trace.getTracer('@ds/worker')
  return {
    name: 'telemetry',
    create: traceHeaders,
    run: (execution, next) => traceRun(tracer, execution, next),
  }
}

/** The trace context as it travels with a task. */
function traceHeaders(): TaskHeaders | undefined {
  const headers: Record<string, string> = {}
  propagation.inject(context.active(), headers)
  return Object.keys(headers).length > 0 ? headers : undefined
}

async function traceRun(tracer: Tracer, execution: Execution, next: () => Promise<unknown>): Promise<unknown> {
  const { task } = execution.context
  const parent = propagation.extract(ROOT_CONTEXT, task.headers ?? {})
  const attributes = {
    'messaging.system': 'ds',
    'messaging.operation.type': 'process',
    'messaging.destination.name': task.queue,
    'messaging.message.id': task.id,
    'ds.task.name': task.name,
    'ds.task.attempt': task.attempt,
  }
  return tracer.startActiveSpan(
    `process ${task.name}`,
    { kind: SpanKind.CONSUMER, attributes },
    parent,
    async (span) => {
      try {
        return await next()
      } catch (error) {
        recordFailure(span, error)
        throw error
      } finally {
        span.end()
      }
    },
  )
}

function recordFailure(span: Span, error: unknown): void {
  const known = error instanceof Error ? error : new Error(String(error))
  span.recordException(known)
  span.setStatus({ code: SpanStatusCode.ERROR, message: known.message })
}
