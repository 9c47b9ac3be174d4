import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { createApp, defineTask } from '@ds/core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startWorker } from '../../test/start-worker.ts'
import { telemetry } from './telemetry.ts'

const exporter = new InMemorySpanExporter()

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
})
beforeEach(() => exporter.reset())
afterAll(() => {
  trace.disable()
  propagation.disable()
  context.disable()
})

it('puts a span around each run, with that of its creation as parent, through subtasks', async () => {
  const child = defineTask('child', () => 1)
  const parent = defineTask('parent', async (_args: null, { manager }) => (await manager.create(child, null)).result())
  const { manager } = await startWorker(createApp('app', [parent, child]).use(telemetry()))
  const tracer = trace.getTracer('test')
  await tracer.startActiveSpan('request', async (span) => {
    const handle = await manager.create(parent, null, { id: 'p' })
    span.end()
    await handle.result()
  })
  const spans = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]))
  const [request, first, second] = [spans.get('request'), spans.get('process parent'), spans.get('process child')]
  expect(first?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId)
  expect(second?.parentSpanContext?.spanId).toBe(first?.spanContext().spanId)
  expect(second?.spanContext().traceId).toBe(request?.spanContext().traceId)
  expect(first?.attributes).toMatchObject({
    'messaging.message.id': 'p',
    'ds.task.name': 'parent',
    'ds.task.attempt': 1,
  })
})

it('records the error of a run that failed, and leaves the outcome as it is', async () => {
  const failing = defineTask('failing', () => {
    throw new TypeError('boom')
  })
  const { manager, finished } = await startWorker(createApp('app', [failing]).use(telemetry()))
  const task = await finished((await manager.create(failing, null)).id)
  expect(task.state).toBe('ERROR')
  const [span] = exporter.getFinishedSpans()
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'boom' })
  expect(span?.events.map(({ name }) => name)).toEqual(['exception'])
})

it('traces a task that was created without a trace', async () => {
  const lone = defineTask('lone', () => 1)
  const { manager } = await startWorker(createApp('app', [lone]).use(telemetry()))
  await (await manager.create(lone, null)).result()
  expect(exporter.getFinishedSpans().map(({ name, parentSpanContext }) => [name, parentSpanContext])).toEqual([
    ['process lone', undefined],
  ])
})
