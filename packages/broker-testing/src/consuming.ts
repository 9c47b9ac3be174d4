import { randomUUID } from 'node:crypto'
import type {
  Broker,
  ConsumerOptions,
  Delivery,
  NewTask,
  Outcome,
  RenewAnswer,
  SettleAnswer,
  Task,
  TaskConsumer,
  TaskError,
} from '@ds/core'
import type { CaseContext } from './case-context.ts'
import { check, CheckFailed, equal } from './check.ts'
import { getTask, submitOne, valueOf } from './submitting.ts'

/** A lease for cases that wait for its end: short, but not so short that a busy machine lets it run out by itself. */
export function leaseOf({ settings }: CaseContext): number {
  return 1500 * Math.ceil(Math.sqrt(settings.load))
}

export function openConsumer(
  context: CaseContext,
  broker: Broker,
  options: Partial<ConsumerOptions> = {},
): Promise<TaskConsumer> {
  // A long lease where the case does not choose one: a short one could run out between two of its steps.
  const lease = Math.max(15_000, context.tolerances.patience)
  return broker.openConsumer({
    queues: [context.queue],
    workerId: `worker-${randomUUID()}`,
    lease,
    onCancel: () => undefined,
    ...options,
  })
}

/** Receives until there are as many deliveries as wanted, never more. */
export async function receiveMany(context: CaseContext, consumer: TaskConsumer, count: number): Promise<Delivery[]> {
  const timeout = context.tolerances.patience
  const deliveries: Delivery[] = []
  const over = AbortSignal.any([AbortSignal.timeout(timeout), context.signal])
  while (deliveries.length < count) {
    const wanted = count - deliveries.length
    const received = await consumer.receive(wanted, over)
    check(received.length <= wanted, `receive(${wanted}) gave ${received.length} deliveries`)
    deliveries.push(...received)
    if (received.length > 0 || !over.aborted) continue
    throw new CheckFailed(`receive gave ${deliveries.length} of ${count} tasks within ${timeout / 1000} s`)
  }
  return deliveries
}

export async function receiveOne(context: CaseContext, consumer: TaskConsumer): Promise<Delivery> {
  const [delivery] = await receiveMany(context, consumer, 1)
  check(delivery, 'receive gave nothing')
  return delivery
}

/** Fails when something comes within the time, which may be a part of a lease: a fraction. */
export async function receiveNothing(
  context: CaseContext,
  consumer: TaskConsumer,
  milliseconds: number,
): Promise<void> {
  const over = AbortSignal.any([AbortSignal.timeout(Math.ceil(milliseconds)), context.signal])
  const deliveries = await consumer.receive(10, over)
  const found = deliveries.map(({ task }) => `${task.id} in attempt ${task.attempt}`).join(', ')
  check(deliveries.length === 0, `nothing was to be received, but there came ${found}`)
}

export async function settle(consumer: TaskConsumer, delivery: Delivery, outcome: Outcome): Promise<SettleAnswer> {
  const [answer] = await consumer.settle([{ lease: delivery.lease, outcome }])
  return valueOf(answer, `settle of ${delivery.task.id} with ${outcome.type}`)
}

/** Who settles, and where what comes of it is read. */
export interface Holder {
  readonly context: CaseContext
  readonly broker: Broker
  readonly consumer: TaskConsumer
}

/** Settles, which must have effect, and gives the record as it is then. */
export async function settleWell(
  { context, broker, consumer }: Holder,
  delivery: Delivery,
  outcome: Outcome,
): Promise<Task> {
  const { id } = delivery.task
  const answer = await settle(consumer, delivery, outcome)
  check(answer !== 'superseded', `the ${outcome.type} of attempt ${delivery.lease.attempt} of ${id} was superseded`)
  if (answer === 'applied') return getTask(broker, id)
  return context.until(`the ${outcome.type} of ${id} to be read back`, async () => {
    const task = await getTask(broker, id)
    return (
      task.version > delivery.task.version &&
      !(task.state === 'RUNNING' && task.attempt === delivery.lease.attempt) &&
      task
    )
  })
}

/** Settles with what must have no effect: the record stays as it is. */
export async function settleInVain(
  { context, broker, consumer }: Holder,
  delivery: Delivery,
  outcome: Outcome,
): Promise<void> {
  const { id } = delivery.task
  // Whoever reads here may not have seen yet what others did with the task, a claim for instance.
  await context.watchFor(context.capabilities.readLag)
  const before = await getTask(broker, id)
  const answer = await settle(consumer, delivery, outcome)
  const what = `the late ${outcome.type} of attempt ${delivery.lease.attempt} of ${id}`
  check(answer !== 'applied', `${what} was applied to attempt ${before.attempt}, ${before.state}`)
  // Where the log decides, it does so within the lag.
  if (answer === 'recorded') await context.watchFor(context.capabilities.readLag)
  equal(await getTask(broker, id), before, `the record after ${what}`)
}

export async function renew(consumer: TaskConsumer, delivery: Delivery, progress?: number): Promise<RenewAnswer> {
  const item = progress === undefined ? { lease: delivery.lease } : { lease: delivery.lease, progress }
  const [answer] = await consumer.renew([item])
  return valueOf(answer, `renew of ${delivery.task.id}`)
}

export interface Running extends Holder {
  readonly task: NewTask
  readonly delivery: Delivery
}

/** A task that was submitted and is held by a consumer. */
export async function runningTask(
  context: CaseContext,
  broker: Broker,
  options: { fields?: Partial<NewTask>; consumer?: Partial<ConsumerOptions> } = {},
): Promise<Running> {
  const consumer = await openConsumer(context, broker, options.consumer)
  const task = await submitOne(context, broker, options.fields)
  const delivery = await receiveOne(context, consumer)
  equal(delivery.task.id, task.id, 'the task that was received')
  return { context, broker, consumer, task, delivery }
}

export const DONE: Outcome = { type: 'done', result: '"well done"' }
export const CANCELLED: Outcome = { type: 'cancelled' }
export const RELEASED: Outcome = { type: 'released' }
export const LOST: Outcome = { type: 'lost' }

export function taskError(message = 'it broke'): TaskError {
  return { name: 'KitError', message, stacktrace: [{ name: 'handler', file: 'kit.ts', lineno: 7 }] }
}

export function failed(message?: string): Outcome {
  return { type: 'error', error: taskError(message) }
}

/** To run again at once, unless another delay is given. */
export function again(delay = 0, message?: string): Extract<Outcome, { type: 'retry' }> {
  return { type: 'retry', error: taskError(message), delay }
}
