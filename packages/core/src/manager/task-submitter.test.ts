import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { alteredBroker, Outage } from '../../test/altered-broker.ts'
import type { Broker, NewTask } from '../broker/broker.ts'
import { createTaskManager } from './create-task-manager.ts'
import { BrokerUnavailableError } from '../errors.ts'
import type { TaskManager } from './task-manager.ts'

let outage: Outage
/** Whether calls that are refused are carried out all the same, as where only the answer is lost. */
let carriedOut: boolean
let batches: NewTask[][]
let broker: Broker

beforeEach(async () => {
  outage = new Outage()
  carriedOut = false
  batches = []
  broker = await alteredBroker((inner) => ({
    submit: async (tasks) => {
      batches.push([...tasks])
      const answers = outage.on && !carriedOut ? [] : await inner.submit(tasks)
      outage.check()
      return answers
    },
  }))
})

afterEach(() => broker.close())

const creating = (manager: TaskManager, count: number): Promise<unknown>[] =>
  Array.from({ length: count }, (_, index) => manager.create('t', index, { id: `t${index}`, group: 'default' }))

describe('over an outage', () => {
  test('create goes on by itself when the broker is back', async () => {
    outage.on = true
    const tasks = creating(createTaskManager(broker), 100)
    await expect.poll(() => outage.refused).toBeGreaterThan(2)
    outage.on = false
    await Promise.all(tasks)
    expect(await broker.counts()).toMatchObject({ QUEUED: 100 })
  })

  test('what had arrived after all is created once and said to be created', async () => {
    outage.on = true
    carriedOut = true
    const tasks = creating(createTaskManager(broker), 3)
    await expect.poll(() => outage.refused).toBeGreaterThan(1)
    outage.on = false
    expect(await Promise.all(tasks)).toMatchObject([{ created: true }, { created: true }, { created: true }])
    const lives = batches.map((batch) => batch.map(({ incarnation }) => incarnation).join())
    expect(new Set(lives).size).toBe(1)
    expect(await broker.counts()).toMatchObject({ QUEUED: 3 })
  })

  test('create gives up after its patience, and says what may have happened', async () => {
    outage.on = true
    const start = performance.now()
    const [task] = creating(createTaskManager(broker, { patience: 200 }), 1)
    await expect(task).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    await expect(task).rejects.toThrow(/The task t0 \(t\) was not accepted in time: The server does not answer/)
    expect(performance.now() - start).toBeGreaterThan(150)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(outage.refused).toBeGreaterThan(1)
  })

  test('each task of a batch has its own time', async () => {
    outage.on = true
    const manager = createTaskManager(broker, { patience: 1500 })
    const early = creating(manager, 1)[0]
    await new Promise((resolve) => setTimeout(resolve, 1000))
    const late = manager.create('t', 1, { id: 'late', group: 'default' })
    await expect(early).rejects.toMatchObject({ code: 'BrokerUnavailable' })
    outage.on = false
    expect(await late).toMatchObject({ id: 'late', created: true })
  })

  test('closing the manager ends the tries', async () => {
    outage.on = true
    const manager = createTaskManager(broker, { patience: '1m' })
    const [task] = creating(manager, 1)
    await expect.poll(() => outage.refused).toBeGreaterThan(1)
    await manager.close()
    await expect(task).rejects.toMatchObject({ code: 'BrokerClosed' })
  })
})

test('only the tasks of a batch that have no answer are sent again', async () => {
  const unanswered = new Set(['t1'])
  const partly = await alteredBroker((inner) => ({
    submit: async (tasks) => {
      batches.push([...tasks])
      const answers = await inner.submit(tasks)
      return answers.map((answer, index) => {
        const lost = unanswered.delete(tasks[index]?.id ?? '')
        return lost ? { ok: false, error: new BrokerUnavailableError('no answer') } : answer
      })
    },
  }))
  expect(await Promise.all(creating(createTaskManager(partly), 3))).toMatchObject([
    { created: true },
    { created: true },
    { created: true },
  ])
  expect(batches.map((batch) => batch.map(({ id }) => id))).toEqual([['t0', 't1', 't2'], ['t1']])
  await partly.close()
})

test('an error that is no outage is not tried again', async () => {
  const refusing = await alteredBroker(() => ({ submit: () => Promise.reject(new Error('out of order')) }))
  const [task] = creating(createTaskManager(refusing), 1)
  await expect(task).rejects.toThrow(/out of order/)
  await refusing.close()
})
