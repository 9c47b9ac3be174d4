import { describe, expect, test } from 'vitest'
import { alteredBroker } from '../../test/altered-broker.ts'
import { createProject } from '../../test/project.ts'
import { openTestWorker } from '../../test/test-worker.ts'
import { createApp } from '../app/app.ts'
import { connect } from './connect.ts'
import type { ConnectOptions } from './connect.ts'
import { defineTask } from '../tasks/define-task.ts'
import { loadConfig } from '../config/load-config.ts'
import { createMemoryBroker } from '../memory/memory-broker.ts'
import { openBroker } from '../config/open-broker.ts'

const app = createApp('hello', [defineTask('greet', ({ greeted }: { greeted: string }) => `Hello ${greeted}!`)])

describe('the memory broker of a process', () => {
  test('is one for all who open the same URL and namespace', async () => {
    const options = { broker: 'memory:shared', namespace: 'a' }
    await using manager = await connect({ app, ...options })
    const broker = await openBroker(await loadConfig(options))
    const worker = await openTestWorker(broker)
    const task = await manager.create('greet', { greeted: 'world' })
    await worker.finish({ type: 'done', result: '"Hello world!"' })
    expect(await task.result()).toBe('Hello world!')
    await broker.close()
    expect(await task.get()).toMatchObject({ state: 'DONE' })
    await expect(broker.counts()).rejects.toMatchObject({ code: 'BrokerClosed' })
  })

  test('differs by URL and by namespace', async () => {
    await using first = await connect({ app, broker: 'memory:one' })
    await using second = await connect({ broker: 'memory:two' })
    await using third = await connect({ broker: 'memory:one', namespace: 'other' })
    await first.create('greet', { greeted: 'x' }, { id: 'a' })
    expect([await second.get('a'), await third.get('a')]).toEqual([undefined, undefined])
    expect(await first.get('a')).toBeDefined()
  })

  test('ends with the last who closes it', async () => {
    const first = await connect({ app, broker: 'memory:ends' })
    const second = await connect({ broker: 'memory:ends' })
    await first.create('greet', { greeted: 'x' }, { id: 'a' })
    await first.close()
    await first.close()
    expect(await second.get('a')).toBeDefined()
    await second.close()
    await using third = await connect({ broker: 'memory:ends' })
    expect(await third.get('a')).toBeUndefined()
  })

  test('closing one user ends its consumers and watches, and leaves those of the others', async () => {
    const settings = await loadConfig({ broker: 'memory:users' })
    const [first, second] = [await openBroker(settings), await openBroker(settings)]
    const gone = await openTestWorker(first)
    const waiting = gone.consumer.receive(1, new AbortController().signal)
    const stays = await openTestWorker(second)
    await first.close()
    await Promise.allSettled([waiting])
    await expect(gone.take()).rejects.toMatchObject({ code: 'BrokerClosed' })
    await using manager = await connect({ app, broker: 'memory:users' })
    const task = await manager.create('greet', { greeted: 'x' })
    await stays.finish()
    expect(await task.result()).toBe('result')
    await second.close()
  })

  test('is refused with other options than those it is open with', async () => {
    await using manager = await connect({ broker: 'memory:options', maxPayload: 1000 })
    expect(manager.capabilities.maxPayload).toBe(1000)
    await expect(connect({ broker: 'memory:options', maxPayload: 2000 })).rejects.toThrow(
      /memory:options is open in this process with other options/,
    )
  })

  test('by adapter and not by URL is one of its own', async () => {
    await using first = await connect({ app, broker: { adapter: 'memory' } })
    await using second = await connect({ broker: { adapter: 'memory' } })
    await first.create('greet', { greeted: 'x' }, { id: 'a' })
    expect(await second.get('a')).toBeUndefined()
  })
})

describe('a broker that is made already', () => {
  test('is connected once, however often it is passed, and left open', async () => {
    let connects = 0
    const broker = createMemoryBroker()
    const connectOnce = broker.connect.bind(broker)
    broker.connect = (): Promise<void> => {
      connects += 1
      return connectOnce()
    }
    const first = await connect({ app, broker })
    const second = await connect({ broker })
    await first.create('greet', { greeted: 'x' }, { id: 'a' })
    await first.close()
    expect(await second.get('a')).toBeDefined()
    expect(connects).toBe(1)
    await second.close()
    await broker.close()
  })

  test('may be one that is guarded and connected', async () => {
    const broker = await alteredBroker()
    await using manager = await connect({ app, broker })
    await manager.create('greet', { greeted: 'x' }, { id: 'a' })
    expect(await broker.get(['a'])).toMatchObject([{ id: 'a' }])
    await manager.close()
    await broker.close()
  })
})

describe('the App of a manager', () => {
  const files = {
    'ds.config.json': '{"app":"./tasks.ts"}',
    'tasks.ts': `import { createApp, defineTask } from '@ds/core'
      globalThis.loaded = true
      export const app = createApp('tasks', [defineTask('greet', () => 1)])`,
  }

  test('that only the config names is not loaded: it may pull in all the handlers', async () => {
    await using project = await createProject(files)
    const { answer } = await project.run(`
      const manager = await core.connect()
      answer([globalThis.loaded ?? false, await failing(() => manager.create('greet', null))])
      await manager.close()
    `)
    expect(answer).toMatchObject([false, { code: 'UnregisteredTask' }])
  })

  test('is loaded where it is asked for', async () => {
    await using project = await createProject(files)
    const { answer } = await project.run(`
      const manager = await core.connect({ app: './tasks.ts' })
      const task = await manager.create('greet', null)
      answer([globalThis.loaded, (await task.get()).group])
      await manager.close()
    `)
    expect(answer).toEqual([true, 'default'])
  })
})

test('a process with a manager that was not closed ends by itself', async () => {
  await using project = await createProject()
  const { answer } = await project.run(`
    const manager = await core.connect({ app: core.createApp('a', [core.defineTask('t', () => 1)]) })
    const task = await manager.create('t', null)
    for await (const event of task.watch()) break
    answer('created')
  `)
  expect(answer).toBe('created')
})

test.each([
  [
    { timout: 1 },
    /^Unknown key timout in the options of connect\. Did you mean timeout\? Known are: app, broker, config/,
  ],
  [{ worker: {} }, /^Unknown key worker in the options of connect\./],
])('refuses the option of %j', async (options, message) => {
  await expect(connect(options as ConnectOptions)).rejects.toMatchObject({
    code: 'ConfigInvalid',
    message: expect.stringMatching(message) as string,
  })
})
