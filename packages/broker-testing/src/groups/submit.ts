import { randomUUID } from 'node:crypto'
import type { Broker, NewTask } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { check, equal, sameMembers, show } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { DONE, openConsumer, receiveMany, receiveNothing, receiveOne, settle, settleWell } from '../consuming.ts'
import {
  batchesOf,
  getTask,
  idsOf,
  newTask,
  newTasks,
  submitAll,
  submitAnswer,
  submitOne,
  valueOf,
} from '../submitting.ts'
import { TestWorker } from '../test-worker.ts'
import { anyName, namesApart, payloadsComeBack, payloadLimit, serverLimit } from './submit-contents.ts'
import { fullQueue, queueRoom } from './submit-queue-limit.ts'

async function manySubmitters(context: CaseContext): Promise<void> {
  const brokers = [await context.open()]
  if (context.capabilities.shared) brokers.push(await context.open())
  const tasks = newTasks(context, 10_000)
  const submitters = Array.from({ length: 50 }, (_, index) => tasks.slice(index * 200, index * 200 + 200))
  await Promise.all(submitters.map((share, index) => submitInTens(brokers[index % brokers.length] as Broker, share)))
  const [broker] = brokers as [Broker]
  const finished: string[] = []
  const worker = await TestWorker.start({
    broker,
    queues: [context.queue],
    concurrency: 100,
    lease: context.tolerances.patience,
    handle: () => DONE,
    onSettled: ({ task }, answer) => void (answer.ok && finished.push(task.id)),
  })
  await context.until('10,000 tasks to be finished', () => finished.length >= tasks.length, 100_000)
  await worker.stop()
  sameMembers(finished, idsOf(tasks), 'the finished tasks')
  const done = async (): Promise<boolean> => (await broker.counts()).DONE === tasks.length
  await context.until('10,000 tasks to be counted as DONE', done)
}

async function submitInTens(broker: Broker, tasks: readonly NewTask[]): Promise<void> {
  for (let start = 0; start < tasks.length; start += 10) await submitAll(broker, tasks.slice(start, start + 10))
}

async function racingSubmits(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const brokers = [broker, await context.another(broker), await context.another(broker)]
  for (let round = 0; round < 5; round++) {
    const id = context.name('raced')
    const racers = Array.from({ length: 50 }, (_, index) => newTask(context, { id, args: String(index) }))
    const answers = await Promise.all(racers.map((task, index) => submitAnswer(brokers[index % 3] as Broker, task)))
    const winners = racers.filter((_, index) => answers[index] === 'created')
    equal(winners.length, 1, 'how many of 50 racing submits of one id were created')
    equal(answers.filter((answer) => answer === 'exists').length, 49, 'how many of them were answered "exists"')
    equal(await broker.args(id), winners[0]?.args, 'the args: those of the one that was created')
    equal((await getTask(broker, id)).incarnation, winners[0]?.incarnation, 'the incarnation: that of the one created')
  }
  const consumer = await openConsumer(context, broker)
  const deliveries = await receiveMany(context, consumer, 5)
  for (const delivery of deliveries) await settle(consumer, delivery, DONE)
  await receiveNothing(context, consumer, 300)
}

async function existsChangesNothing(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const task = await submitOne(context, broker, { args: '"first"', headers: { a: '1' } })
  const before = await getTask(broker, task.id)
  const later = newTask(context, { id: task.id, args: '"second"', name: 'kit.other', maxRetries: 9, delay: 60_000 })
  equal(await submitAnswer(broker, later), 'exists', 'the answer to a second submit of an id')
  equal(await getTask(broker, task.id), before, 'the record after a second submit')
  equal(await broker.args(task.id), '"first"', 'the args after a second submit')
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  equal(await submitAnswer(broker, newTask(context, { id: task.id })), 'exists', 'a submit while it runs')
  const ended = await settleWell({ context, broker, consumer }, delivery, DONE)
  equal(await submitAnswer(broker, newTask(context, { id: task.id })), 'exists', 'a submit after it has ended')
  equal(await getTask(broker, task.id), ended, 'the record after a submit of an ended task')
  await receiveNothing(context, consumer, 300)
}

async function repeatedSubmission(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const task = newTask(context)
  for (const sender of [broker, broker, other]) {
    equal(await submitAnswer(sender, task), 'created', 'the answer to a submission that is sent again')
  }
  equal((await broker.counts()).QUEUED, 1, 'tasks after three submissions of one')
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  equal(await submitAnswer(other, task), 'created', 'a submission that is sent again while it runs')
  await settleWell({ context, broker, consumer }, delivery, DONE)
  equal(await submitAnswer(broker, task), 'created', 'a submission that is sent again after it has ended')
  await receiveNothing(context, consumer, 300)
  equal((await getTask(broker, task.id)).attempt, 1, 'the attempts after all that')
}

async function answersInOrder(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const known = newTasks(context, 3)
  await submitAll(broker, known)
  const fresh = newTasks(context, 3)
  const again = known.map(({ id }) => newTask(context, { id }))
  const batch = [fresh[0], again[0], again[1], fresh[1], again[2], fresh[2]] as NewTask[]
  const answers = (await broker.submit(batch)).map((answer) => valueOf(answer, 'a batch'))
  const expected = ['created', 'exists', 'exists', 'created', 'exists', 'created']
  equal(answers, expected, 'the answers to a batch of new and known ids')
  equal(await broker.submit([]), [], 'the answers to an empty batch')
}

async function twiceInABatch(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const first = newTask(context, { id: context.name('twice'), args: '1' })
  const second = newTask(context, { id: first.id, args: '2' })
  const answers = (await broker.submit([first, newTask(context), second])).map((answer) => valueOf(answer, 'a batch'))
  equal(answers.filter((answer) => answer === 'created').length, 2, 'tasks created of a batch that holds one id twice')
  const winner = answers[0] === 'created' ? first : second
  equal(await broker.args(first.id), winner.args, 'the args: those of the one that was created')
  equal((await broker.counts()).QUEUED, 2, 'tasks of a batch that holds one id twice')
}

async function largeBatch(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const size = Math.min(2000, broker.capabilities.batch.maxItems)
  const tasks = newTasks(context, size)
  const answers = await broker.submit(tasks)
  equal(
    answers.filter((answer) => answer.ok && answer.value === 'created').length,
    size,
    'tasks created of a large batch',
  )
  equal((await broker.counts()).QUEUED, size, 'tasks counted after a large batch')
  const read = await broker.get(idsOf(tasks))
  equal(
    read.filter((task, index) => task?.id === tasks[index]?.id).length,
    size,
    'tasks read of a large batch, in order',
  )
}

async function recordAsAsked(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const started = Date.now()
  const task = await submitOne(context, broker, {
    name: 'kit.special',
    group: 'kit-2',
    parentId: 'the parent',
    headers: { traceparent: '00-é-01', empty: '' },
    maxRetries: 7,
    maxCrashes: 5,
    args: '{"a":[1]}',
  })
  const { createdAt, ...rest } = await getTask(broker, task.id)
  const { args: _args, uniqueId: _unique, ...asked } = task
  const fresh = { schema: 1, state: 'QUEUED', progress: 0, attempt: 0, failures: 0, crashes: 0, version: 1 }
  equal(rest, { ...asked, ...fresh }, 'the record of a new task')
  check(Math.abs(createdAt - started) < 60_000, `createdAt ${createdAt} is no time in milliseconds near ${started}`)
  equal(await broker.args(task.id), task.args, 'the args of a new task')
  const plain = await getTask(broker, (await submitOne(context, broker)).id)
  const absent = ['parentId', 'headers', 'runAt', 'startedAt', 'completedAt', 'cancelRequested'] as const
  for (const field of absent) check(!(field in plain), `a plain task has the field ${field}: ${show(plain[field])}`)
}

async function survivesItsSubmitter(context: CaseContext): Promise<void> {
  const submitter = await context.open()
  const tasks = newTasks(context, 300)
  await Promise.all(batchesOf(submitter, tasks).map((batch) => submitAll(submitter, batch)))
  await submitter.close()
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  const received: string[] = []
  while (received.length < tasks.length) {
    const deliveries = await receiveMany(context, consumer, Math.min(50, tasks.length - received.length))
    received.push(...deliveries.map(({ task }) => task.id))
    await consumer.settle(deliveries.map(({ lease }) => ({ lease, outcome: DONE })))
  }
  sameMembers(received, idsOf(tasks), 'the tasks received after their submitter had closed')
}

async function resubmittedElsewhere(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const task = await submitOne(context, broker)
  const other = await context.another(broker)
  const late = newTask(context, { id: task.id, incarnation: randomUUID() })
  equal(await submitAnswer(other, late), 'exists', 'the submit of a known id by another process, at once')
}

export const submit: readonly ConformanceCase[] = casesOf('submit', [
  { name: '10,000 tasks of 50 submitters are all run', rule: 'submit-durable', timeout: 120_000, run: manySubmitters },
  { name: 'of 50 racing submits of one id one is created', rule: 'submit-idempotent', run: racingSubmits },
  { name: 'a known id changes nothing', rule: 'submit-idempotent', run: existsChangesNothing },
  { name: 'another process knows the id at once', rule: 'submit-idempotent', run: resubmittedElsewhere },
  { name: 'one id twice in a batch is one task', rule: 'submit-idempotent', run: twiceInABatch },
  { name: 'a submission that is sent again runs once', rule: 'submit-repeated', run: repeatedSubmission },
  { name: 'a batch is answered task by task, in order', rule: 'submit-answers', run: answersInOrder },
  { name: 'a large batch is taken whole', rule: 'submit-answers', run: largeBatch },
  { name: 'args and results as large as the limit are taken', rule: 'payload-limit', run: payloadLimit },
  { name: 'the limit is never above what the server takes', rule: 'payload-limit', run: serverLimit },
  { name: 'args, results, errors and headers come back as given', rule: 'payload-intact', run: payloadsComeBack },
  { name: 'ids, names and queues may be any text', rule: 'any-name', run: anyName },
  { name: 'ids that look alike are apart', rule: 'any-name', run: namesApart },
  { name: 'the record says what was asked for', rule: 'task-as-asked', run: recordAsAsked },
  { name: 'a full queue refuses task by task', rule: 'queue-limit', run: fullQueue },
  { name: 'a full queue takes tasks again when there is room', rule: 'queue-limit', run: queueRoom },
  {
    name: 'tasks outlive the broker that submitted them',
    rule: 'submit-durable',
    needs: ['shared'],
    run: survivesItsSubmitter,
  },
])
