import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { alteredBroker } from '../../test/altered-broker.ts'
import { createApp } from '../app/app.ts'
import type { Broker, NewTask } from '../broker/broker.ts'
import { createTaskManager } from '../manager/create-task-manager.ts'
import { defineTask } from './define-task.ts'
import { CreateFailedError } from '../manager/errors-of-tasks.ts'
import type { Schema } from './task-definition.ts'

const greet = defineTask('greet', { args: z.object({ greeted: z.string() }) }, ({ greeted }) => `Hello ${greeted}!`)
const scan = defineTask('scan', { group: 'io', maxRetries: 3, maxCrashes: 5, maxQueued: 2 }, () => null)
const app = createApp('tests', [greet, scan])

let broker: Broker
let submitted: NewTask[]
let reads: number

beforeEach(async () => {
  submitted = []
  reads = 0
  broker = await alteredBroker((inner) => ({
    submit: (tasks) => {
      submitted.push(...tasks)
      return inner.submit(tasks)
    },
    apps: () => {
      reads += 1
      return inner.apps()
    },
  }))
})

afterEach(() => broker.close())

describe('create', () => {
  test('sends what the App says of the task', async () => {
    const manager = createTaskManager(broker, { app })
    await manager.create('scan', { folder: '/data' })
    expect(submitted).toMatchObject([
      {
        name: 'scan',
        group: 'io',
        queue: 'io',
        maxRetries: 3,
        maxCrashes: 5,
        maxQueued: 2,
        args: '{"folder":"/data"}',
      },
    ])
    expect(reads).toBe(0)
  })

  test('prefers what the caller says', async () => {
    const manager = createTaskManager(broker, { app })
    const runAt = new Date(Date.now() + 60_000)
    const options = { id: 'mine', group: 'gpu', maxRetries: 0, delay: '1m', runAt, parentId: 'p', headers: { a: 'b' } }
    const task = await manager.create('scan', null, options)
    expect(task).toMatchObject({ id: 'mine', created: true })
    expect(submitted).toMatchObject([
      {
        id: 'mine',
        group: 'gpu',
        maxRetries: 0,
        delay: 60_000,
        runAt: runAt.getTime(),
        parentId: 'p',
        headers: { a: 'b' },
      },
    ])
  })

  test('of a definition needs no App', async () => {
    const manager = createTaskManager(broker)
    await manager.create(scan, null)
    expect(submitted).toMatchObject([{ name: 'scan', group: 'io', maxRetries: 3 }])
  })

  test('draws ids and incarnations that differ', async () => {
    const manager = createTaskManager(broker, { app })
    await manager.create(Array.from({ length: 1000 }, () => ({ name: 'greet', args: { greeted: 'x' } })))
    expect(new Set(submitted.map(({ id }) => id)).size).toBe(1000)
    expect(new Set(submitted.map(({ incarnation }) => incarnation)).size).toBe(1000)
  })

  test('of an id that is kept creates nothing and gives that task', async () => {
    const manager = createTaskManager(broker, { app })
    await manager.create('greet', { greeted: 'first' }, { id: 'one' })
    const again = await manager.create('greet', { greeted: 'second' }, { id: 'one' })
    expect(again.created).toBe(false)
    expect(await again.args()).toEqual({ greeted: 'first' })
  })

  test('refuses args that do not fit the schema, naming the path, before anything is sent', async () => {
    const manager = createTaskManager(broker, { app })
    await expect(manager.create('greet', { greeted: 1 })).rejects.toMatchObject({
      code: 'InvalidArguments',
      issues: [{ path: 'greeted' }],
    })
    await expect(manager.create(greet, { greeted: 1 } as unknown as { greeted: string })).rejects.toMatchObject({
      code: 'InvalidArguments',
    })
    expect(submitted).toEqual([])
  })

  test('sends args as the caller gave them, so that the schema can turn them where the task runs', async () => {
    const later = defineTask(
      'later',
      { args: z.object({ n: z.string().transform(Number), at: z.number().default(3) }) },
      () => 1,
    )
    await createTaskManager(broker).create(later, { n: '5' })
    expect(submitted[0]?.args).toBe('{"n":"5"}')
  })

  test('waits for a schema that checks later', async () => {
    const slow = defineTask('slow', { args: z.string().refine(async (text) => text === 'good') }, () => 1)
    const manager = createTaskManager(broker)
    await expect(manager.create(slow, 'bad')).rejects.toMatchObject({ code: 'InvalidArguments' })
    await manager.create(slow, 'good')
    expect(submitted).toHaveLength(1)
  })

  test('says of which task the schema is that throws instead of answering', async () => {
    const failing = (validate: () => Promise<never>): Schema => ({
      '~standard': { version: 1, vendor: 'test', validate },
    })
    const fail = (): never => {
      throw new TypeError('broken')
    }
    const early = defineTask('early', { args: failing(fail) }, () => 1)
    const late = defineTask('late', { args: failing(async () => fail()) }, () => 1)
    for (const task of [early, late]) {
      await expect(createTaskManager(broker).create(task, 'x')).rejects.toMatchObject({
        code: 'InvalidArguments',
        message: expect.stringContaining(`The schema for the args of ${task.name} failed: TypeError: broken`) as string,
      })
    }
    expect(submitted).toEqual([])
  })

  test('refuses args that are too large, circular or no JSON', async () => {
    const small = await alteredBroker(undefined, { maxPayload: 100 })
    const manager = createTaskManager(small, { app })
    const circular: Record<string, unknown> = {}
    circular.self = circular
    await expect(manager.create('scan', 'x'.repeat(200))).rejects.toMatchObject({
      code: 'PayloadTooLarge',
      limit: 100,
      size: 202,
    })
    await expect(manager.create('scan', circular)).rejects.toMatchObject({ code: 'NotSerializable' })
    await expect(manager.create('scan', 10n)).rejects.toMatchObject({ code: 'NotSerializable' })
    await small.close()
  })

  test.each([
    ['an empty id', { id: '' }],
    ['an id over 200 bytes', { id: 'é'.repeat(101) }],
    ['a group with a dot', { group: 'a.b' }],
    ['a time that is none', { delay: 'soon' }],
    ['a date that is none', { runAt: new Date('x') }],
    ['negative retries', { maxRetries: -1 }],
    ['headers over 4 KiB', { headers: { big: 'x'.repeat(4096) } }],
    ['a header that is no text', { headers: { n: 1 as unknown as string } }],
  ])('refuses %s', async (_what, options) => {
    const manager = createTaskManager(broker, { app })
    await expect(manager.create('scan', null, options)).rejects.toMatchObject({ code: 'ConfigInvalid' })
    expect(submitted).toEqual([])
  })

  test('answers QueueFull where the queue holds its limit', async () => {
    const manager = createTaskManager(broker, { app })
    await manager.create('scan', null)
    await manager.create('scan', null)
    await expect(manager.create('scan', null)).rejects.toMatchObject({ code: 'QueueFull', queue: 'io', limit: 2 })
  })

  test('lets middleware add headers, under those of the caller', async () => {
    class Tracing {
      readonly name = 'tracing'
      readonly #trace = 'abc'

      create({ name }: { name: string }): Record<string, string> {
        return { trace: this.#trace, of: name, who: 'middleware' }
      }
    }
    const traced = createApp('traced', [scan]).use(new Tracing())
    await createTaskManager(broker, { app: traced }).create('scan', null, { headers: { who: 'caller' } })
    expect(submitted[0]?.headers).toEqual({ trace: 'abc', of: 'scan', who: 'caller' })
  })
})

describe('a name that the manager has no definition of', () => {
  test('takes what a worker announced', async () => {
    await broker.announce(app.describe())
    const manager = createTaskManager(broker)
    await manager.create('scan', null)
    await manager.create('scan', null, { maxRetries: 7 })
    expect(submitted).toMatchObject([
      { group: 'io', maxRetries: 3, maxCrashes: 5, maxQueued: 2 },
      { group: 'io', maxRetries: 7 },
    ])
    expect(reads).toBe(1)
  })

  test('is refused, with what is registered and what to do', async () => {
    await broker.announce(app.describe())
    const manager = createTaskManager(broker)
    const refused = manager.create('nope', null)
    await expect(refused).rejects.toMatchObject({ code: 'UnregisteredTask', taskName: 'nope' })
    await expect(refused).rejects.toThrow(/greet, scan.*Start a worker.*connect\(\{ app \}\).*\{ group \}/)
    expect(submitted).toEqual([])
  })

  test('is looked for again only after a while', async () => {
    const manager = createTaskManager(broker)
    for (let time = 0; time < 20; time += 1) {
      await expect(manager.create('nope', null)).rejects.toMatchObject({ code: 'UnregisteredTask' })
    }
    expect(reads).toBe(1)
  })

  test('is found once a worker has announced it', async () => {
    const manager = createTaskManager(broker)
    await expect(manager.create('scan', null)).rejects.toMatchObject({ code: 'UnregisteredTask' })
    await broker.announce(app.describe())
    await expect
      .poll(
        () =>
          manager.create('scan', null).then(
            () => 'created',
            () => 'refused',
          ),
        { timeout: 5000 },
      )
      .toBe('created')
  })

  test('is created where the caller names its group', async () => {
    const manager = createTaskManager(broker)
    await manager.create('nope', null, { group: 'gpu' })
    await manager.create(Array.from({ length: 500 }, () => ({ name: 'nope', args: 1, group: 'gpu' })))
    expect(submitted).toHaveLength(501)
    expect(submitted[500]).toMatchObject({ group: 'gpu', maxRetries: 0, maxCrashes: 3 })
    expect(reads).toBe(1)
  })
})

describe('create of many', () => {
  test('gives the handles in the order of the requests', async () => {
    const manager = createTaskManager(broker, { app })
    const requests = Array.from({ length: 2500 }, (_, index) => ({
      name: 'greet',
      args: { greeted: 'x' },
      id: `t${index}`,
    }))
    const tasks = await manager.create(requests)
    expect(tasks.map(({ id }) => id)).toEqual(requests.map(({ id }) => id))
    expect(await manager.counts()).toMatchObject({ QUEUED: 2500 })
  })

  test('of none gives none', async () => {
    expect(await createTaskManager(broker, { app }).create([])).toEqual([])
  })

  test('creates the good ones and holds an answer for each where one was refused', async () => {
    const manager = createTaskManager(broker, { app })
    const failure = await manager
      .create([
        { name: 'greet', args: { greeted: 'a' }, id: 'a' },
        { name: 'greet', args: { greeted: 2 } },
        { name: 'nope', args: null },
        { name: 'scan', args: null, id: 's1' },
        { name: 'scan', args: null, id: 's2' },
        { name: 'scan', args: null, id: 's3' },
      ])
      .catch((error: unknown) => error)
    if (!(failure instanceof CreateFailedError)) throw failure
    expect(failure.answers.map((answer) => (answer.ok ? answer.value.id : answer.error.code))).toEqual([
      'a',
      'InvalidArguments',
      'UnregisteredTask',
      's1',
      's2',
      'QueueFull',
    ])
    expect(failure.message).toMatch(/^3 of 6 tasks were not created; number 1: The args of greet/)
    expect(await manager.counts()).toMatchObject({ QUEUED: 3 })
  })
})
