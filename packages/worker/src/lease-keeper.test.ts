import type { Renewal, RenewAnswer, Result } from '@ds/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { collectingLogger } from '../test/collecting-logger.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import type { HeldLease } from './lease-keeper.ts'

const HELD: RenewAnswer = { status: 'held' }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A keeper with a lease of 3 s over a broker that answers from a table, and what that was asked. */
function newKeeper(answers: Record<string, RenewAnswer> = {}, maxItems = 100) {
  const calls: Renewal[][] = []
  const state = { away: false }
  const { logger, lines } = collectingLogger()
  const renew = async (items: readonly Renewal[]): Promise<Result<RenewAnswer>[]> => {
    if (state.away) throw new Error('away')
    calls.push([...items])
    return items.map(({ lease }) => ({ ok: true, value: answers[lease.id] ?? HELD }))
  }
  const keeper = new LeaseKeeper({ renew, lease: 3000, progressInterval: 500, maxItems, logger })
  keeper.start()
  return { keeper, calls, state, lines }
}

function lease(id: string, expiresIn = 3000) {
  const held = {
    lease: { id, attempt: 1, token: 'x', expiresIn },
    progress: 0,
    onCancelRequested: vi.fn(),
    onLeaseLost: vi.fn(),
  }
  return held satisfies HeldLease
}

it('renews all it holds when a third of the lease has passed', async () => {
  const { keeper, calls } = newKeeper()
  keeper.add(lease('a'))
  keeper.add(lease('b'))
  await vi.advanceTimersByTimeAsync(999)
  expect(calls).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(calls.map((call) => call.map(({ lease }) => lease.id))).toEqual([['a', 'b']])
  await vi.advanceTimersByTimeAsync(2000)
  expect(calls).toHaveLength(3)
})

it('renews in batches of what the broker takes', async () => {
  const { keeper, calls } = newKeeper({}, 2)
  for (const id of ['a', 'b', 'c']) keeper.add(lease(id))
  await vi.advanceTimersByTimeAsync(1000)
  expect(calls.map((call) => call.length)).toEqual([2, 1])
})

it('renews sooner a lease that had less left when it arrived', async () => {
  const { keeper, calls } = newKeeper()
  keeper.add(lease('late', 600))
  await vi.advanceTimersByTimeAsync(200)
  expect(calls).toHaveLength(1)
})

it('renews at a third of what is given where the broker gives less than was asked for', async () => {
  const { keeper, calls } = newKeeper()
  keeper.add(lease('short', 900))
  await vi.advanceTimersByTimeAsync(900)
  expect(calls).toHaveLength(3)
})

it('renews nothing that was let go', async () => {
  const { keeper, calls } = newKeeper()
  const held = lease('a')
  keeper.add(held)
  keeper.delete(held)
  await vi.advanceTimersByTimeAsync(3000)
  expect(calls).toEqual([])
})

it('sends the newest progress soon, once for all that have news', async () => {
  const { keeper, calls } = newKeeper()
  const [a, b] = [lease('a'), lease('b')]
  for (const held of [a, b]) keeper.add(held)
  a.progress = 0.1
  keeper.hasNews(a)
  a.progress = 0.2
  keeper.hasNews(a)
  await vi.advanceTimersByTimeAsync(500)
  expect(calls).toEqual([[{ lease: a.lease, progress: 0.2 }]])
})

it('sends at once what is flushed', async () => {
  const { keeper, calls } = newKeeper()
  const held = lease('a')
  keeper.add(held)
  held.progress = 0.7
  keeper.hasNews(held)
  keeper.flush(held)
  await vi.advanceTimersByTimeAsync(0)
  expect(calls).toEqual([[{ lease: held.lease, progress: 0.7 }]])
  await vi.advanceTimersByTimeAsync(900)
  expect(calls).toHaveLength(1)
})

it('tells of a cancel and of a lost lease, and renews the lost one no more', async () => {
  const { keeper, calls } = newKeeper({
    cancelled: { status: 'held', cancel: { requeue: false } },
    lost: { status: 'lost' },
  })
  const [cancelled, lost] = [lease('cancelled'), lease('lost')]
  keeper.add(cancelled)
  keeper.add(lost)
  await vi.advanceTimersByTimeAsync(1000)
  expect(cancelled.onCancelRequested).toHaveBeenCalledOnce()
  expect(lost.onLeaseLost).toHaveBeenCalledOnce()
  await vi.advanceTimersByTimeAsync(1000)
  expect(calls[1]?.map(({ lease }) => lease.id)).toEqual(['cancelled'])
})

it('tries again soon while the broker is away, and goes on when it is back', async () => {
  const { keeper, calls, state, lines } = newKeeper()
  keeper.add(lease('a'))
  state.away = true
  await vi.advanceTimersByTimeAsync(1000)
  expect(lines).toHaveLength(1)
  state.away = false
  await vi.advanceTimersByTimeAsync(400)
  expect(calls).toHaveLength(1)
})

it('tells of an outage at once, then every ten seconds, and of the next one anew', async () => {
  const { keeper, state, lines } = newKeeper()
  keeper.add(lease('a'))
  state.away = true
  await vi.advanceTimersByTimeAsync(9000)
  expect(lines).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(4000)
  expect(lines).toHaveLength(2)
  state.away = false
  await vi.advanceTimersByTimeAsync(2000)
  state.away = true
  await vi.advanceTimersByTimeAsync(2000)
  expect(lines).toHaveLength(3)
})

it('keeps the news over an outage', async () => {
  const { keeper, calls, state } = newKeeper()
  const held = lease('a')
  keeper.add(held)
  held.progress = 0.5
  keeper.hasNews(held)
  state.away = true
  await vi.advanceTimersByTimeAsync(500)
  state.away = false
  await vi.advanceTimersByTimeAsync(500)
  expect(calls[0]).toEqual([{ lease: held.lease, progress: 0.5 }])
})

it('leaves no timer behind', () => {
  const { keeper } = newKeeper()
  const held = lease('a')
  keeper.add(held)
  keeper.hasNews(held)
  keeper.stop()
  expect(vi.getTimerCount()).toBe(0)
})
