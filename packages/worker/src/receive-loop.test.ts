import { newRecord } from '@ds/core'
import type { Delivery } from '@ds/core'
import { expect, it, vi } from 'vitest'
import { ReceiveLoop } from './receive-loop.ts'
import { Slots } from './slots.ts'

interface Call {
  readonly max: number
  readonly signal: AbortSignal
  readonly resolve: (deliveries: Delivery[]) => void
  readonly reject: (error: Error) => void
}

/** A loop over a consumer whose calls the test answers. */
function newLoop(limit: number) {
  const calls: Call[] = []
  const received: Delivery[] = []
  const onFailed = vi.fn()
  const slots = new Slots(limit, () => loop.interrupt())
  const loop: ReceiveLoop = new ReceiveLoop({
    consumer: {
      receive: (max, signal) => new Promise((resolve, reject) => calls.push({ max, signal, resolve, reject })),
    },
    slots,
    onDeliveries: (deliveries) => void received.push(...deliveries),
    onFailed,
  })
  return { loop, slots, calls, received, onFailed }
}

/** A loop that held the thread for long, or whose machine is busy elsewhere, gives way for a turn before it goes on. */
async function tick(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

function deliveries(count: number): Delivery[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `t${index}`
    const asked = { id, incarnation: id, name: 'noop', group: 'default', queue: 'default', args: 'null' }
    const task = newRecord({ ...asked, maxRetries: 0, maxCrashes: 3 }, 0)
    return { task, args: 'null', lease: { id, attempt: 1, token: id, expiresIn: 1000 } }
  })
}

it('asks for the free slots, one call at a time', async () => {
  const { loop, slots, calls, received } = newLoop(5)
  loop.wake()
  loop.wake()
  await tick()
  expect(calls.map(({ max }) => max)).toEqual([5])
  calls[0]?.resolve(deliveries(2))
  await tick()
  expect(received).toHaveLength(2)
  expect(calls.map(({ max }) => max)).toEqual([5, 3])
  expect(slots.running).toBe(2)
})

it('asks for nothing while no slot is free, and at the end of the tick in which some get free', async () => {
  const { loop, slots, calls } = newLoop(2)
  loop.wake()
  await tick()
  calls[0]?.resolve(deliveries(2))
  await tick()
  expect(calls).toHaveLength(1)
  slots.leave()
  loop.wake()
  slots.leave()
  loop.wake()
  expect(calls).toHaveLength(1)
  await new Promise<void>((resolve) => process.nextTick(resolve))
  await Promise.resolve()
  expect(calls[1]?.max).toBe(2)
})

it('asks again for fewer when a slot it was promised is taken by one that comes back', async () => {
  const { loop, slots, calls } = newLoop(1)
  loop.wake()
  await tick()
  await slots.return()
  expect(calls[0]?.signal.aborted).toBe(true)
  calls[0]?.resolve([])
  await tick()
  expect(calls).toHaveLength(1)
  slots.leave()
  loop.wake()
  await tick()
  expect(calls[1]?.signal.aborted).toBe(false)
})

it('hands on what the last call brings, and asks no more once it was stopped', async () => {
  const { loop, calls, received } = newLoop(2)
  loop.wake()
  await tick()
  const stopped = loop.stop()
  expect(calls[0]?.signal.aborted).toBe(true)
  calls[0]?.resolve(deliveries(1))
  await stopped
  loop.wake()
  await tick()
  expect(received).toHaveLength(1)
  expect(calls).toHaveLength(1)
})

it('says when receiving cannot go on', async () => {
  const { loop, calls, onFailed } = newLoop(1)
  loop.wake()
  await tick()
  calls[0]?.reject(new Error('refused'))
  await tick()
  expect(onFailed).toHaveBeenCalledExactlyOnceWith(new Error('refused'))
  expect(calls).toHaveLength(1)
})

it('gives timers and sockets their turn, however fast a broker answers', async () => {
  const slots = new Slots(1)
  let rounds = 0
  const loop: ReceiveLoop = new ReceiveLoop({
    consumer: { receive: async () => deliveries(1) },
    slots,
    onDeliveries: () => {
      rounds += 1
      slots.leave()
    },
    onFailed: (error) => expect.fail(String(error)),
  })
  loop.wake()
  await new Promise((resolve) => setTimeout(resolve, 50))
  await loop.stop()
  expect(rounds).toBeGreaterThan(10)
})
