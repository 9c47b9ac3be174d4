import { expect, test } from 'vitest'
import { Batcher } from './batcher.ts'
import type { Result } from './broker/broker.ts'
import { BrokerUnavailableError, QueueFullError } from './errors.ts'

interface Call {
  readonly items: readonly number[]
  answer(): void
}

function recorded(limits: { inFlight?: number; maxItems?: number; maxBytes?: number } = {}): {
  batcher: Batcher<number, number>
  calls: Call[]
} {
  const calls: Call[] = []
  const send = (items: readonly number[]): Promise<Result<number>[]> =>
    new Promise((resolve) => {
      calls.push({ items, answer: () => resolve(items.map((value) => ({ ok: true, value: value * 2 }))) })
    })
  const batcher = new Batcher({
    send,
    limits: { inFlight: 1, maxItems: 100, maxBytes: 1000, ...limits },
    size: (item) => item,
  })
  return { batcher, calls }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what one tick adds travels together, and each gets its own answer', async () => {
  const { batcher, calls } = recorded()
  const answers = Promise.all([1, 2, 3].map((item) => batcher.send(item)))
  await turn()
  expect(calls.map(({ items }) => items)).toEqual([[1, 2, 3]])
  calls[0]?.answer()
  expect(await answers).toEqual([2, 4, 6])
})

test('what arrives while a batch is under way joins the next one', async () => {
  const { batcher, calls } = recorded()
  const answers = [batcher.send(1)]
  await turn()
  answers.push(batcher.send(2))
  await turn()
  answers.push(batcher.send(3))
  await turn()
  expect(calls).toHaveLength(1)
  calls[0]?.answer()
  await turn()
  expect(calls[1]?.items).toEqual([2, 3])
  calls[1]?.answer()
  expect(await Promise.all(answers)).toEqual([2, 4, 6])
  await batcher.idle()
  expect(batcher.busy).toBe(false)
})

test('batches keep to the limits of items and bytes, and an item above them travels alone', async () => {
  const { batcher, calls } = recorded({ inFlight: 10, maxItems: 3, maxBytes: 10 })
  for (const item of [1, 1, 1, 1, 6, 6, 50, 1]) batcher.add(item, () => undefined)
  await turn()
  expect(calls.map(({ items }) => items)).toEqual([[1, 1, 1], [1, 6], [6], [50], [1]])
})

test('a failed batch fails each of its items, with an error of ours', async () => {
  const send = (): Promise<Result<number>[]> => Promise.reject(new Error('socket closed'))
  const batcher = new Batcher<number, number>({ send, limits: { inFlight: 1, maxItems: 10, maxBytes: 10 } })
  await expect(batcher.send(1)).rejects.toMatchObject({ code: 'BrokerUnavailable' })
})

test("an error of one item is that item's alone", async () => {
  const send = (items: readonly number[]): Promise<Result<number>[]> =>
    Promise.resolve(
      items.map((value) => (value === 2 ? { ok: false, error: new QueueFullError('q', 1) } : { ok: true, value })),
    )
  const batcher = new Batcher<number, number>({ send, limits: { inFlight: 1, maxItems: 10, maxBytes: 10 } })
  const [one, two] = await Promise.allSettled([batcher.send(1), batcher.send(2)])
  expect(one).toMatchObject({ status: 'fulfilled', value: 1 })
  expect(two).toMatchObject({ status: 'rejected', reason: { code: 'QueueFull' } })
  expect(new BrokerUnavailableError('x')).toBeInstanceOf(Error)
})

test('a second batch goes beside the first, unless it is much smaller', async () => {
  const { batcher, calls } = recorded({ inFlight: 2 })
  const answers = Array.from({ length: 8 }, () => batcher.send(1))
  await turn()
  answers.push(batcher.send(2))
  await turn()
  expect(calls.map(({ items }) => items.length)).toEqual([8])
  answers.push(batcher.send(2))
  await turn()
  expect(calls.map(({ items }) => items.length)).toEqual([8, 2])
  for (const call of calls) call.answer()
  expect(await Promise.all(answers)).toHaveLength(10)
})

test('many that wait while nothing is under way go in two halves, so that the server works on one beside the other', async () => {
  const { batcher, calls } = recorded({ inFlight: 2 })
  const answers = Promise.all(Array.from({ length: 64 }, () => batcher.send(1)))
  await turn()
  await turn()
  expect(calls.map(({ items }) => items.length)).toEqual([32, 32])
  for (const call of calls) call.answer()
  expect(await answers).toHaveLength(64)
  await batcher.idle()
})

test('one batch at a time is never halved', async () => {
  const { batcher, calls } = recorded()
  const answers = Promise.all(Array.from({ length: 64 }, () => batcher.send(1)))
  await turn()
  await turn()
  expect(calls.map(({ items }) => items.length)).toEqual([64])
  calls[0]?.answer()
  await answers
})
