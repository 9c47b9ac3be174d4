import { randomUUID } from 'node:crypto'
import { drawTaskId } from '@ds/core'
import type { Broker, NewTask, Result, RetryAnswer, SubmitAnswer, Task, TaskState } from '@ds/core'
import type { CaseContext } from './case-context.ts'
import { check, equal, show } from './check.ts'

let drawn = 0

/**
 * A task as core would hand it to a broker. Its id is unique in the namespace of the case: two of three are drawn, as where the creator of
 * a task gives none, the others are named.
 */
export function newTask(context: CaseContext, fields: Partial<NewTask> = {}): NewTask {
  if (fields.id === undefined) drawn += 1
  const identity: Pick<NewTask, 'id' | 'uniqueId'> =
    drawn % 3 === 0 || fields.id !== undefined ? { id: context.name('task') } : { id: drawTaskId(), uniqueId: true }
  return {
    ...identity,
    incarnation: randomUUID(),
    name: 'kit.task',
    group: 'kit',
    queue: context.queue,
    args: '{}',
    maxRetries: 3,
    maxCrashes: 3,
    ...fields,
  }
}

export function newTasks(context: CaseContext, count: number, fields: Partial<NewTask> = {}): NewTask[] {
  return Array.from({ length: count }, () => newTask(context, fields))
}

/** The value of an answer; an error among the answers fails the case. */
export function valueOf<Value>(answer: Result<Value> | undefined, what: string): Value {
  check(answer, `${what}: there is no answer`)
  check(answer.ok, `${what}: ${answer.ok ? '' : show(answer.error)}`)
  return answer.value
}

/** Submits one task, which must be created. */
export async function submitOne(context: CaseContext, broker: Broker, fields: Partial<NewTask> = {}): Promise<NewTask> {
  const task = newTask(context, fields)
  equal(await submitAnswer(broker, task), 'created', `the answer to the submit of ${task.id}`)
  return task
}

export async function submitAnswer(broker: Broker, task: NewTask): Promise<SubmitAnswer> {
  const [answer] = await broker.submit([task])
  return valueOf(answer, `submit of ${task.id}`)
}

/** Submits tasks in batches as large as the broker likes them; each must be created. */
export async function submitAll(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  for (const batch of batchesOf(broker, tasks)) {
    const answers = await broker.submit(batch)
    equal(answers.length, batch.length, 'the number of answers to a batch')
    for (const [index, answer] of answers.entries()) {
      equal(
        valueOf(answer, `submit of ${batch[index]?.id}`),
        'created',
        `the answer to the submit of ${batch[index]?.id}`,
      )
    }
  }
}

export function batchesOf(broker: Broker, tasks: readonly NewTask[]): NewTask[][] {
  const size = Math.min(500, broker.capabilities.batch.maxItems)
  const batches: NewTask[][] = []
  for (let start = 0; start < tasks.length; start += size) batches.push(tasks.slice(start, start + size))
  return batches
}

/** Runs a finished task again, as core would ask for it. */
export function retryAgain(broker: Broker, id: string, nonce: string = randomUUID()): Promise<RetryAnswer> {
  return broker.retry(id, { nonce })
}

/** The record of a task that must be there. */
export async function getTask(broker: Broker, id: string): Promise<Task> {
  const [task] = await broker.get([id])
  check(task, `get: there is no task ${id}`)
  return task
}

/** Waits until the record is in a state, and gives it. */
export function untilState(
  context: CaseContext,
  broker: Broker,
  wanted: { id: string; state: TaskState },
): Promise<Task> {
  const { id, state } = wanted
  return context.until(`task ${id} to be ${state}`, async () => {
    const task = await getTask(broker, id)
    return task.state === state && task
  })
}

export function idsOf(tasks: readonly { readonly id: string }[]): string[] {
  return tasks.map(({ id }) => id)
}
