import { expect, test } from 'vitest'
import { EventBuffer } from './event-buffer.ts'
import { RESYNC } from '../events.ts'
import type { SubscriptionItem, TaskEvent } from '../events.ts'

function event(taskId: string, version: number): TaskEvent {
  const base = { type: 'ProgressEvent', taskId, name: 'n', group: 'g', state: 'RUNNING', progress: 0 } as const
  return { ...base, attempt: 1, retriesLeft: 0, version, createdAt: 0 }
}

function bufferOf(limit: number): { buffer: EventBuffer; end: AbortController } {
  const end = new AbortController()
  return { buffer: new EventBuffer({ filter: {}, signal: end.signal, limit }), end }
}

async function rest(buffer: EventBuffer): Promise<SubscriptionItem[]> {
  const items: SubscriptionItem[] = []
  for await (const item of buffer) items.push(item)
  return items
}

test('a reader that keeps up gets every event in order', async () => {
  const { buffer, end } = bufferOf(10)
  const reading = rest(buffer)
  for (let version = 1; version <= 50; version += 1) {
    buffer.push(event('a', version))
    await Promise.resolve()
  }
  end.abort()
  expect(await reading).toEqual(Array.from({ length: 50 }, (_, index) => event('a', index + 1)))
})

test('what lags is merged into the newest of each task', async () => {
  const { buffer, end } = bufferOf(10)
  for (let version = 1; version <= 100; version += 1) {
    buffer.push(event('a', version))
    buffer.push(event('b', version))
  }
  end.abort()
  const items = await rest(buffer)
  expect(items.length).toBeLessThanOrEqual(11)
  expect(items.filter((item) => item.type !== 'resync' && item.taskId === 'a').at(-1)).toEqual(event('a', 100))
  expect(items.filter((item) => item.type !== 'resync' && item.taskId === 'b').at(-1)).toEqual(event('b', 100))
})

test('too many tasks for a slow reader become a resync, and memory stays bounded', async () => {
  const { buffer, end } = bufferOf(10)
  for (let index = 0; index < 1000; index += 1) buffer.push(event(`t${index}`, 1))
  end.abort()
  const items = await rest(buffer)
  expect(items[0]).toBe(RESYNC)
  expect(items.length).toBeLessThanOrEqual(11)
})

test('only what passes the filter is held', async () => {
  const end = new AbortController()
  const buffer = new EventBuffer({ filter: { taskId: 'a' }, signal: end.signal })
  buffer.push(event('b', 1))
  buffer.push(event('a', 1))
  end.abort()
  expect(await rest(buffer)).toEqual([event('a', 1)])
})

test('a reader that waits when the signal fires is ended', async () => {
  const { buffer, end } = bufferOf(10)
  const reading = rest(buffer)
  end.abort()
  expect(await reading).toEqual([])
})
