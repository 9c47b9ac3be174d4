import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { alteredBroker } from '../../test/altered-broker.ts'
import { openTestWorker } from '../../test/test-worker.ts'
import { createApp } from '../app/app.ts'
import type { Broker, NewTask } from '../broker/broker.ts'
import { createTaskManager, scopedTaskManager } from './create-task-manager.ts'
import { defineTask } from '../tasks/define-task.ts'
import type { TaskManager } from './task-manager.ts'

const greet = defineTask('greet', { args: z.object({ greeted: z.string() }) }, ({ greeted }) => `Hello ${greeted}!`)
const scan = defineTask('scan', { group: 'io', maxRetries: 3, maxCrashes: 5, maxQueued: 2 }, () => null)
const app = createApp('tests', [greet, scan])

let broker: Broker
let submitted: NewTask[]

beforeEach(async () => {
  submitted = []
  broker = await alteredBroker((inner) => ({
    submit: (tasks) => {
      submitted.push(...tasks)
      return inner.submit(tasks)
    },
  }))
})

afterEach(() => broker.close())

describe('reading', () => {
  let manager: TaskManager

  beforeEach(async () => {
    manager = createTaskManager(broker, { app })
    for (let index = 0; index < 25; index += 1) await manager.create('greet', { greeted: 'x' }, { id: `t${index}` })
  })

  test('list gives a page with a cursor, and no cursor on the last', async () => {
    const first = await manager.list({ limit: 20 })
    expect(first).toHaveLength(20)
    expect(first.cursor).toBeDefined()
    const rest = await manager.list({ limit: 20, ...(first.cursor && { cursor: first.cursor }) })
    expect(rest).toHaveLength(5)
    expect(rest.cursor).toBeUndefined()
    expect(new Set([...first, ...rest].map(({ id }) => id)).size).toBe(25)
  })

  test('listAll goes over all pages', async () => {
    const ids: string[] = []
    for await (const { id } of manager.listAll({ limit: 4 })) ids.push(id)
    expect(new Set(ids).size).toBe(25)
    expect(ids).toHaveLength(25)
  })

  test('list takes one state or several', async () => {
    await using worker = await openTestWorker(broker)
    await worker.finish()
    await worker.take()
    expect(await manager.list({ state: 'DONE' })).toHaveLength(1)
    expect(await manager.list({ state: ['DONE', 'RUNNING'] })).toHaveLength(2)
    expect(await manager.list({ state: 'QUEUED', name: 'scan' })).toHaveLength(0)
  })

  test('list refuses a limit below 1 or above 1000', async () => {
    await expect(manager.list({ limit: 0 })).rejects.toMatchObject({ code: 'ConfigInvalid' })
    await expect(manager.list({ limit: 1001 })).rejects.toMatchObject({ code: 'ConfigInvalid' })
  })

  test('get knows no unknown id', async () => {
    expect(await manager.get('t3')).toMatchObject({ id: 't3', state: 'QUEUED' })
    expect(await manager.get('nope')).toBeUndefined()
  })

  test('every call of a handle says so where there is no such task', async () => {
    const task = manager.task('nope')
    const calls = [
      task.get(),
      task.args(),
      task.result(),
      task.wait(),
      task.errors(),
      task.cancel(),
      task.retry(),
      task.remove(),
      firstOf(task.watch()),
    ]
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'UnknownTask', taskId: 'nope' })
  })

  test('errors of a task that never failed are none', async () => {
    expect(await manager.task('t1').errors()).toEqual([])
  })

  test('retry is refused while the task has not ended', async () => {
    await expect(manager.retry('t1')).rejects.toMatchObject({ code: 'TaskActive' })
    expect(await manager.task('t1').remove()).toBe('active')
    expect(await manager.cancel('t1')).toBe('cancelled')
    await manager.retry('t1')
    expect(await manager.get('t1')).toMatchObject({ state: 'QUEUED' })
  })
})

describe('closing', () => {
  test('leaves a broker that somebody else opened, and refuses what comes after', async () => {
    const manager = createTaskManager(broker, { app })
    await Promise.all([manager.close(), manager.close()])
    await expect(manager.create('scan', null)).rejects.toMatchObject({ code: 'BrokerClosed' })
    expect(await broker.counts()).toMatchObject({ QUEUED: 0 })
  })

  test('closes a broker that it owns, once all creates have their answer', async () => {
    const manager = createTaskManager(broker, { app, owned: true })
    const creating = Promise.all(Array.from({ length: 100 }, () => manager.create('greet', { greeted: 'x' })))
    await manager.close()
    expect(await creating).toHaveLength(100)
    await expect(broker.counts()).rejects.toMatchObject({ code: 'BrokerClosed' })
  })

  test('goes with `await using`', async () => {
    {
      await using manager = createTaskManager(broker, { app, owned: true })
      await manager.create('greet', { greeted: 'x' })
    }
    await expect(broker.counts()).rejects.toMatchObject({ code: 'BrokerClosed' })
  })
})

describe('a view for a running task', () => {
  test('makes that task the parent of what it creates', async () => {
    const manager = createTaskManager(broker, { app })
    const view = scopedTaskManager(manager, { parentId: 'parent' })
    await view.create('greet', { greeted: 'x' })
    await view.create([{ name: 'greet', args: { greeted: 'x' }, parentId: 'other' }])
    await manager.create('greet', { greeted: 'x' })
    expect(submitted.map(({ parentId }) => parentId)).toEqual(['parent', 'other', undefined])
  })

  test('sends every wait through onWait, and nothing else', async () => {
    const log: string[] = []
    const view = scopedTaskManager(createTaskManager(broker, { app }), {
      onWait: async (wait) => {
        log.push('waits')
        const value = await wait()
        log.push('goes on')
        return value
      },
    })
    await using worker = await openTestWorker(broker)
    const task = await view.create('greet', { greeted: 'x' })
    await task.get()
    expect(log).toEqual([])
    const result = task.result()
    await worker.finish()
    expect(await result).toBe('result')
    expect(log).toEqual(['waits', 'goes on'])
    await task.wait()
    await firstOf(task.watch())
    expect(log).toEqual(['waits', 'goes on', 'waits', 'goes on', 'waits', 'goes on'])
  })

  test('does not end its manager when it is closed', async () => {
    const manager = createTaskManager(broker, { app, owned: true })
    await scopedTaskManager(manager, {}).close()
    await manager.create('greet', { greeted: 'x' })
    expect(submitted).toHaveLength(1)
  })
})

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item
  return undefined
}
