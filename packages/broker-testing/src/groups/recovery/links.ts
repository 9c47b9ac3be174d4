import type { CaseContext } from '../../case-context.ts'
import { check, equal, rejects } from '../../check.ts'
import { openConsumer, renew, runningTask } from '../../consuming.ts'
import { FaultRun } from '../../fault-run.ts'
import type { TcpProxy } from '../../faults/tcp-proxy.ts'
import { getTask, submitOne } from '../../submitting.ts'

/** 10,000 where time allows, a fifth where tests run often. */
export function sizeOf(context: CaseContext, full: number): number {
  return context.settings.scale === 'full' ? full : Math.ceil(full / 5)
}

async function behindProxy(context: CaseContext): Promise<{ proxy: TcpProxy; url: string }> {
  const { proxy, url } = await context.server({ proxied: true })
  return proxy ? { proxy, url } : context.skip('the server was not started behind a proxy')
}

export async function cutConnections(context: CaseContext): Promise<void> {
  const { proxy, url } = await behindProxy(context)
  const options = { tasks: sizeOf(context, 10_000), workers: 2, concurrency: 10, lease: 2000, broker: { url } }
  const run = await FaultRun.start(context, options)
  const submitting = run.submitAll()
  for (const part of [0.1, 0.25, 0.4, 0.6, 0.8]) {
    await run.untilPart(part)
    await run.fault(() => proxy.cut())
    await run.mend(() => proxy.heal())
  }
  await submitting
  await run.checkBooks()
}

/** Nothing tells the clients: no reset, no end. They have to notice by themselves. */
export async function halfOpen(context: CaseContext): Promise<void> {
  const { proxy, url } = await behindProxy(context)
  const options = { tasks: sizeOf(context, 5000), workers: 2, concurrency: 10, lease: 2000, broker: { url } }
  const run = await FaultRun.start(context, options)
  const submitting = run.submitAll()
  await run.untilPart(0.3)
  await run.fault(async () => proxy.blackHole())
  await context.until(
    'health to say that nothing answers',
    async () => !(await run.manager.health()).ok,
    context.tolerances.health,
  )
  await rejectsInTime(context, run)
  await run.mend(() => proxy.heal())
  await context.until(
    'health to say that all is well',
    async () => (await run.manager.health()).ok,
    context.tolerances.health,
  )
  await submitting
  await run.checkBooks()
}

/** A call of a manager cannot wait: somebody waits for it. */
async function rejectsInTime(context: CaseContext, run: FaultRun): Promise<void> {
  const { unavailable } = context.tolerances
  const reading = context.soon('get to reject while nothing answers', run.manager.get(['any']), unavailable)
  await rejects(reading, 'BrokerUnavailable', 'get while nothing answers')
}

export async function slowLink(context: CaseContext): Promise<void> {
  const { proxy, url } = await behindProxy(context)
  const options = { tasks: sizeOf(context, 500), workers: 2, concurrency: 20, lease: 6000, work: 50, broker: { url } }
  const run = await FaultRun.start(context, options)
  proxy.latency(500)
  await run.submitAll()
  await run.untilPart(1)
  await proxy.heal()
  await run.checkBooks()
  const again = [...run.starts.values()].filter((count) => count > 1).length
  equal(again, 0, 'tasks that started twice over a slow link')
}

/** While the server is away, what waits goes on waiting, and a renewal says what is wrong. */
export async function waitingCalls(context: CaseContext): Promise<void> {
  const server = await context.server()
  const broker = await context.open({ url: server.url })
  const held = await runningTask(context, broker, { consumer: { lease: 60_000 } })
  const idle = await openConsumer(context, broker, { queues: ['idle'], lease: 60_000 })
  // How long the outage lasts is the server's affair: it waits as long as the case does.
  const waiting = idle.receive(1, context.signal)
  // So that the server is asked before it goes.
  await context.watchFor(200)
  await server.stop()
  const settling = held.consumer.settle([{ lease: held.delivery.lease, outcome: { type: 'done', result: '1' } }])
  const ended = await Promise.race([
    waiting.then(
      () => 'receive',
      () => 'receive',
    ),
    settling.then(
      () => 'settle',
      () => 'settle',
    ),
    context.watchFor(3000).then(() => 'nothing'),
  ])
  equal(ended, 'nothing', 'what ended while the server could not be reached')
  await rejectsTyped(context, 'renew', renew(held.consumer, held.delivery))
  await rejectsTyped(context, 'submit', submitOne(context, broker))
  await server.start()
  const [answer] = await context.soon('settle to go on', settling, context.tolerances.recovery)
  check(answer?.ok, 'settle was answered with an error after an outage')
  await context.until('the outcome to stand', async () => (await getTask(broker, held.task.id)).state === 'DONE')
  const { id } = await submitOne(context, broker, { queue: 'idle' })
  const received = await context.soon('receive to go on', waiting)
  equal(
    received.map(({ task }) => task.id),
    [id],
    'what receive gave after an outage',
  )
}

export async function rejectsTyped(context: CaseContext, what: string, call: Promise<unknown>): Promise<void> {
  const bounded = context.soon(`${what} to reject while the server is away`, call, context.tolerances.unavailable)
  await rejects(bounded, 'BrokerUnavailable', `${what} while the server is away`)
}
