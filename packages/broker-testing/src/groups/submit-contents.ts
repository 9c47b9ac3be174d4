import type { Broker, NewTask } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, sameMembers, show } from '../check.ts'
import { again, openConsumer, receiveOne, settle, settleWell, taskError } from '../consuming.ts'
import { getTask, idsOf, newTask, newTasks, submitAll, submitAnswer, submitOne } from '../submitting.ts'

/** Texts that have broken a codec somewhere: JSON, and inside of it what separators, terminators and encodings are made of. */
const PAYLOADS: readonly string[] = [
  'null',
  '0',
  '""',
  '{}',
  '[]',
  '-1.5e300',
  '"\\u0000 a null byte"',
  JSON.stringify('é ü 漢字 🙂 \u2028 \u2029 \ufeff'),
  JSON.stringify('\ud800 a lone surrogate'),
  JSON.stringify({ '': { __proto__: null, 'a.b': [], null: null, 'é🙂': ['\t', '\\', '"'] } }),
  `${'['.repeat(200)}${']'.repeat(200)}`,
  ' { "spaces" : [ 1 , 2 ] } ',
]

export async function payloadsComeBack(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  for (const payload of PAYLOADS) {
    const headers = { 'Weird: Header\n': 'é🙂\n\u0000', empty: '' }
    const error = { ...taskError(`é🙂 \u0000 ${payload}`), cause: 'a "cause"\nof two lines' }
    const task = await submitOne(context, broker, { args: payload, headers })
    equal(await broker.args(task.id), payload, 'the args read')
    const first = await receiveOne(context, consumer)
    equal(first.args, payload, 'the args received')
    equal(first.task.headers, headers, 'the headers received')
    await settle(consumer, first, { type: 'retry', error, delay: 0 })
    const second = await receiveOne(context, consumer)
    equal(second.previousError, error, 'the error received by the next attempt')
    await settleWell({ context, broker, consumer }, second, { type: 'done', result: payload })
    equal(await broker.result(task.id), payload, 'the result read')
    equal(
      (await broker.errors(task.id)).map((each) => each.error),
      [error],
      'the errors read',
    )
    equal((await getTask(broker, task.id)).headers, headers, 'the headers read')
  }
}

/** Core refuses what is over the limit before it gets here; what a broker owes is to declare it, and to take all up to it. */
export async function payloadLimit(context: CaseContext): Promise<void> {
  const broker = await context.open({ maxPayload: 4096 })
  const limit = broker.capabilities.maxPayload
  equal(limit, 4096, 'capabilities.maxPayload with the option maxPayload 4096')
  const full = `"${'é'.repeat(limit / 2 - 1)}"`
  const task = await submitOne(context, broker, { args: full })
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  equal(delivery.args, full, 'args as large as the limit')
  await settleWell({ context, broker, consumer }, delivery, { type: 'done', result: full })
  equal(await broker.result(task.id), full, 'a result as large as the limit')
}

/** The option asks for more than servers take by default; what is declared must then work, up to a size that tests can bear. */
export async function serverLimit(context: CaseContext): Promise<void> {
  const broker = await context.open({ maxPayload: 1024 ** 3 })
  const limit = broker.capabilities.maxPayload
  between(limit, [1024, 1024 ** 3], 'capabilities.maxPayload with the option maxPayload 1 GiB')
  const size = Math.min(limit, 4 * 1024 * 1024)
  const payload = `"${'x'.repeat(size - 2)}"`
  const task = await submitOne(context, broker, { args: payload })
  const consumer = await openConsumer(context, broker)
  const delivery = await receiveOne(context, consumer)
  check(delivery.args === payload, `args of ${size} bytes did not come as they were given`)
  await settleWell({ context, broker, consumer }, delivery, { type: 'done', result: payload })
  check((await broker.result(task.id)) === payload, `a result of ${size} bytes did not come back as it was given`)
}

const NAMES: readonly string[] = [
  'e{}|:. *é',
  'a/b/../c\\d',
  '> # $ * + ? ^ [a-z] %00 %2F',
  'a\u0000b\nc\td\u007f',
  ' leading and trailing ',
  '.',
  '..',
  '-',
  '__proto__',
  'constructor',
  '漢字🙂\u202e',
  'x'.repeat(200),
  '🙂'.repeat(50),
]

/** One whole life under each name. */
export async function anyName(context: CaseContext): Promise<void> {
  const broker = await context.open()
  for (const name of NAMES) {
    const queue = `-${'q'.repeat(46)}-`
    const consumer = await openConsumer(context, broker, { queues: [queue] })
    const task = await submitOne(context, broker, { id: name, name, parentId: name, group: '0-9', queue })
    await wholeLife(context, { broker, name, task })
    await consumer.close()
  }
}

async function wholeLife(context: CaseContext, life: { broker: Broker; name: string; task: NewTask }): Promise<void> {
  const { broker, name, task } = life
  const consumer = await openConsumer(context, broker, { queues: [task.queue] })
  const delivery = await receiveOne(context, consumer)
  equal([delivery.task.id, delivery.lease.id, delivery.task.parentId], [name, name, name], 'the id received')
  await settle(consumer, delivery, again(0))
  const second = await receiveOne(context, consumer)
  equal(await broker.cancel(name, { requeue: true }), 'requested', `the cancel of ${show(name)}`)
  await settleWell({ context, broker, consumer }, second, { type: 'cancelled' })
  const third = await receiveOne(context, consumer)
  await settleWell({ context, broker, consumer }, third, { type: 'done', result: '1' })
  equal(
    idsOf((await broker.list({ parentId: name, limit: 10 })).tasks),
    [name],
    `what is listed of the parent ${show(name)}`,
  )
  equal(idsOf((await broker.list({ name, limit: 10 })).tasks), [name], `what is listed of the name ${show(name)}`)
  equal(await broker.result(name), '1', `the result of ${show(name)}`)
  equal((await broker.errors(name)).length, 1, `the errors of ${show(name)}`)
  equal(await broker.remove(name), 'removed', `the removal of ${show(name)}`)
  equal((await broker.get([name]))[0], undefined, `the removed task ${show(name)}`)
  equal(await submitAnswer(broker, newTask(context, { id: name, queue: 'kit-last' })), 'created', `${show(name)} anew`)
  await consumer.close()
}

export async function namesApart(context: CaseContext): Promise<void> {
  const broker = await context.open()
  // The last two look the same and are not: one letter with an accent, and a letter followed by one.
  const ids = ['a', 'A', 'a ', ' a', 'a.', 'a:', 'a%20', 'a+', 'a/', 'a\u0000', 'a_', 'a-', 'é', 'e\u0301']
  const tasks = ids.map((id, index) => newTask(context, { id, args: String(index) }))
  await submitAll(broker, tasks)
  const read = await Promise.all(ids.map((id) => broker.args(id)))
  equal(
    read,
    tasks.map(({ args }) => args),
    'the args of ids that look alike',
  )
  const queues = ['a', 'a-', '-a', 'a-b', 'a--b']
  await submitAll(
    broker,
    queues.map((queue) => newTask(context, { id: `in ${queue}`, queue })),
  )
  for (const queue of queues) {
    const consumer = await openConsumer(context, broker, { queues: [queue] })
    equal((await receiveOne(context, consumer)).task.id, `in ${queue}`, `the task received from the queue ${queue}`)
  }
  const more = newTasks(context, 3)
  await submitAll(broker, more)
  sameMembers(
    idsOf((await broker.list({ limit: 1000 })).tasks),
    [...ids, ...idsOf(more), ...queues.map((queue) => `in ${queue}`)],
    'the listed ids',
  )
}
