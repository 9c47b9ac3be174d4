import { createApp, defineDependency, defineTask, Fatal, RetryAfter } from '@ds/core'
import type { Middleware, TaskContext } from '@ds/core'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect, it } from 'vitest'
import { startWorker } from './start-worker.ts'
import { until, wait } from './until.ts'

const textSchema: StandardSchemaV1<{ text: string }, { text: string; length: number }> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => {
      const { text } = value as { text?: unknown }
      if (typeof text !== 'string') return { issues: [{ message: 'is no text', path: ['text'] }] }
      return { value: { text, length: text.length } }
    },
  },
}

it('runs tasks of async and of sync functions', async () => {
  const slow = defineTask('slow', async (value: number) => {
    await wait(5)
    return value + 1
  })
  const quick = defineTask('quick', (value: number) => value + 2)
  const { manager } = await startWorker(createApp('app', [slow, quick]))
  const results = await Promise.all([
    (await manager.create(slow, 1)).result(),
    (await manager.create(quick, 1)).result(),
  ])
  expect(results).toEqual([2, 3])
})

it('gives a handler its args by the schema’s output, and checks its result', async () => {
  const measure = defineTask('measure', { args: textSchema }, ({ length }) => length)
  const broken = defineTask('broken', { result: textSchema, maxRetries: 3 }, () => ({ text: 1 }) as never)
  const { manager, finished } = await startWorker(createApp('app', [measure, broken]))
  expect(await (await manager.create(measure, { text: 'four' })).result()).toBe(4)
  const task = await finished((await manager.create(broken, null)).id)
  expect(task).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect(await manager.task(task.id).errors()).toMatchObject([{ error: { name: 'InvalidResult' } }])
})

it('ends args that fail the schema in ERROR InvalidArguments, naming the path, without a retry', async () => {
  const measure = defineTask('measure', { args: textSchema, maxRetries: 3 }, ({ length }) => length)
  const { broker, manager, finished } = await startWorker(createApp('app', [measure]))
  // From outside: a manager that knows the schema refuses them before they are sent.
  const asked = { id: 'bad', incarnation: 'i', name: 'measure', group: 'default', queue: 'default', args: '{"text":1}' }
  await broker.submit([{ ...asked, maxRetries: 3, maxCrashes: 3 }])
  expect(await finished('bad')).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect(await manager.task('bad').errors()).toMatchObject([
    { error: { name: 'InvalidArguments', message: expect.stringContaining('text: is no text') as string } },
  ])
})

it.each([
  ['too large', 'PayloadTooLarge', () => 'x'.repeat(600 * 1024)],
  ['not JSON', 'NotSerializable', () => 10n],
] satisfies [string, string, () => unknown][])(
  'ends a result that is %s in ERROR, without a retry',
  async (_what, code, handler) => {
    const { manager, finished } = await startWorker(
      createApp('app', [defineTask('big', { maxRetries: 3 }, handler as () => unknown)]),
    )
    const task = await finished((await manager.create('big', null)).id)
    expect(task).toMatchObject({ state: 'ERROR', attempt: 1 })
    expect(await manager.task(task.id).errors()).toMatchObject([{ error: { name: code } }])
  },
)

it('retries an error by the policy, gives the next attempt the error of the one before, and recovers', async () => {
  const seen: (string | undefined)[] = []
  const flaky = defineTask('flaky', { maxRetries: 3, backoff: () => 10 }, (_args: null, context: TaskContext) => {
    seen.push(context.previousError?.message)
    if (context.attempt < 3) throw new Error(`failure ${context.attempt}`)
    return 'recovered'
  })
  const { manager } = await startWorker(createApp('app', [flaky]))
  expect(await (await manager.create(flaky, null)).result()).toBe('recovered')
  expect(seen).toEqual([undefined, 'failure 1', 'failure 2'])
})

it('does not retry Fatal, and retries RetryAfter after its time', async () => {
  const fatal = defineTask('fatal', { maxRetries: 3 }, () => {
    throw new Fatal('never again')
  })
  const later = defineTask('later', { maxRetries: 3 }, (_args: null, { attempt }) => {
    if (attempt === 1) throw new RetryAfter(30)
    return attempt
  })
  const { manager, finished } = await startWorker(createApp('app', [fatal, later]))
  expect(await finished((await manager.create(fatal, null)).id)).toMatchObject({ state: 'ERROR', attempt: 1 })
  expect(await (await manager.create(later, null)).result()).toBe(2)
})

it('goes on after a fatal error, and says what failed where no other logs', async () => {
  const bad = defineTask('bad', () => {
    throw new TypeError('bug')
  })
  const good = defineTask('good', () => 'fine')
  const { manager, finished, lines } = await startWorker(createApp('app', [bad, good]), { concurrency: 1 })
  await finished((await manager.create(bad, null)).id)
  expect(await (await manager.create(good, null)).result()).toBe('fine')
  expect(lines.find(({ level }) => level === 'error')).toMatchObject({
    message: 'bad failed: TypeError: bug',
    fields: { attempt: 1, at: expect.stringContaining('running.test.ts') as string },
  })
})

it('tries a task of an unknown name again, then ends it in ERROR naming what is registered', async () => {
  const app = createApp('app', [defineTask('known', () => 1), defineTask('other', () => 1)])
  const { broker, manager, finished } = await startWorker(app, {
    unregistered: { maxRetries: 2, backoff: (failures) => failures },
  })
  const asked = { id: 'u', incarnation: 'i', name: 'renamed', group: 'default', queue: 'default', args: 'null' }
  await broker.submit([{ ...asked, maxRetries: 0, maxCrashes: 3 }])
  expect(await finished('u')).toMatchObject({ state: 'ERROR', attempt: 3, failures: 3 })
  const errors = await manager.task('u').errors()
  expect(errors).toHaveLength(3)
  expect(errors[2]?.error).toMatchObject({
    name: 'UnregisteredTask',
    message: expect.stringMatching(/"renamed". Registered are: known, other/) as string,
  })
})

it('tries an unknown name ten times with growing waits unless told otherwise', async () => {
  const { broker, worker } = await startWorker(createApp('app', [defineTask('known', () => 1)]))
  const asked = { id: 'u', incarnation: 'i', name: 'renamed', group: 'default', queue: 'default', args: 'null' }
  await broker.submit([{ ...asked, maxRetries: 0, maxCrashes: 3 }])
  await until(() => worker.status().counts.retry === 1)
  const [task] = await broker.get(['u'])
  expect(task).toMatchObject({ state: 'QUEUED', failures: 1 })
  expect((task?.runAt ?? 0) - Date.now()).toBeGreaterThan(500)
})

it('takes the tasks of its groups only; without groups those of its whole App', async () => {
  const cpu = defineTask('cpu_task', { group: 'cpu' }, () => 'cpu')
  const io = defineTask('io_task', { group: 'io' }, () => 'io')
  const app = createApp('app', [cpu, io])
  const { broker, manager, worker } = await startWorker(app, { groups: ['cpu'] })
  const waiting = await manager.create(io, null)
  expect(await (await manager.create(cpu, null)).result()).toBe('cpu')
  expect(await waiting.get()).toMatchObject({ state: 'QUEUED' })
  await worker.stop()
  await startWorker(app, { broker })
  expect(await waiting.result()).toBe('io')
})

it('refuses a group that no task of the App is in', async () => {
  const { running } = await startWorker(createApp('app', [defineTask('known', () => 1)]), { groups: ['gpu'] })
  await expect(running).rejects.toThrow(/no task in the group gpu. Its groups are: default/)
})

it('announces its App, so that managers without its code know its tasks', async () => {
  const { broker } = await startWorker(createApp('announced', [defineTask('known', { group: 'io' }, () => 1)]))
  expect(await broker.apps()).toMatchObject([{ name: 'announced', tasks: [{ name: 'known', group: 'io' }] }])
})

it('runs middleware around each run, the first outermost', async () => {
  const record: string[] = []
  const around = (name: string): Middleware => ({
    name,
    run: async ({ definition }, next) => {
      record.push(`${name} before ${definition.name}`)
      const result = await next()
      record.push(`${name} after`)
      return `${name}(${String(result)})`
    },
  })
  const app = createApp('app', [defineTask('greet', () => 'hello')])
    .use(around('outer'))
    .use(around('inner'))
  const { manager } = await startWorker(app)
  expect(await (await manager.create('greet', null)).result()).toBe('outer(inner(hello))')
  expect(record).toEqual(['outer before greet', 'inner before greet', 'inner after', 'outer after'])
})

it('sets up dependencies once per worker, those of its groups only, and tears them down at the end', async () => {
  const record: string[] = []
  const made = (name: string) =>
    defineDependency(name, {
      setup: () => {
        record.push(`${name} up`)
        return name.length
      },
      teardown: () => void record.push(`${name} down`),
    })
  const [index, model] = [made('index'), made('model')]
  const search = defineTask(
    'search',
    { group: 'io', dependencies: [index] },
    (_args: null, { dependencies }) => dependencies,
  )
  const infer = defineTask('infer', { group: 'gpu', dependencies: [model] }, () => 1)
  const { manager, worker } = await startWorker(createApp('app', [search, infer]), { groups: ['io'] })
  expect(record).toEqual(['index up'])
  const [first, second] = await manager.create([
    { name: 'search', args: null },
    { name: 'search', args: null },
  ])
  expect(await Promise.all([first.result(), second.result()])).toEqual([{ index: 5 }, { index: 5 }])
  await worker.stop()
  expect(record).toEqual(['index up', 'index down'])
})

it('ends before it takes a task when a dependency cannot be set up, and tears down the others', async () => {
  const record: string[] = []
  const fine = defineDependency('fine', { setup: () => 1, teardown: () => void record.push('fine down') })
  const broken = defineDependency('broken', { setup: () => Promise.reject(new Error('no such model')) })
  const { running } = await startWorker(createApp('app', [defineTask('x', { dependencies: [fine, broken] }, () => 1)]))
  await expect(running).rejects.toMatchObject({
    code: 'DependencyNotReady',
    message: expect.stringMatching(
      /^A dependency of x could not be set up: Error: no such model \(.*running\.test\.ts:\d+\)/,
    ) as string,
  })
  expect(record).toEqual(['fine down'])
})

it('runs at most as many at once as it has slots, and keeps them busy', async () => {
  let running = 0
  let most = 0
  const counted = defineTask('counted', async () => {
    running += 1
    most = Math.max(most, running)
    await wait(2)
    running -= 1
  })
  const { manager } = await startWorker(createApp('app', [counted]), { concurrency: 7 })
  const handles = await manager.create(Array.from({ length: 200 }, () => ({ name: 'counted', args: null })))
  await Promise.all(handles.map((handle) => handle.result()))
  expect(most).toBe(7)
})

it.each([
  [{ lease: '50ms' }, 'lease is 50 ms. Give at least 100 ms'],
  [{ lease: '30d' }, 'lease is 2592000000 ms. Give at most 24 days'],
  [{ shutdownGrace: '30d' }, 'shutdownGrace is 2592000000 ms. Give at most 24 days'],
])('refuses the times %o, which its timers cannot keep', async (options, message) => {
  const { running } = await startWorker(createApp('app', [defineTask('x', () => 1)]), options)
  await expect(running).rejects.toThrow(message)
})
