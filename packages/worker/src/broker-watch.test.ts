import type { BrokerHealth, HealthCheck } from '@ds/core'
import { beforeEach, expect, it, vi } from 'vitest'
import { collectingLogger } from '../test/collecting-logger.ts'
import type { CollectedLine } from '../test/collecting-logger.ts'
import { BrokerWatch } from './broker-watch.ts'

const WELL: HealthCheck = { name: 'connection', ok: true }
const AWAY: HealthCheck = { name: 'connection', ok: false, message: 'connect ECONNREFUSED 127.0.0.1:1' }

beforeEach(() => {
  vi.useFakeTimers()
  return () => vi.useRealTimers()
})

interface Watched {
  readonly watch: BrokerWatch
  readonly lines: CollectedLine[]
  readonly health: ReturnType<typeof vi.fn<() => Promise<BrokerHealth>>>
  checks: HealthCheck[]
  deafUntil: number
}

function newWatch(): Watched {
  const { logger, lines } = collectingLogger()
  const watched: Watched = {
    checks: [WELL],
    deafUntil: -Infinity,
    lines,
    health: vi.fn(async () => {
      const { checks } = watched
      return { ok: checks.every(({ ok }) => ok), checks, durability: { level: 'unknown', summary: '' } }
    }),
    watch: new BrokerWatch({
      broker: { address: 'redis://somewhere', health: () => watched.health() },
      logger,
      deafUntil: () => watched.deafUntil,
    }),
  }
  watched.watch.start()
  return watched
}

it('says within seconds that the broker is not well, and why, and says when it is again', async () => {
  const watched = newWatch()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(watched.lines).toEqual([])
  watched.checks = [{ name: 'other', ok: true }, AWAY]
  await vi.advanceTimersByTimeAsync(6000)
  expect(watched.lines).toEqual([
    {
      level: 'warn',
      message: 'redis://somewhere is not well: connect ECONNREFUSED 127.0.0.1:1. The worker waits for it',
      fields: { check: 'connection' },
    },
  ])
  watched.checks = [WELL]
  await vi.advanceTimersByTimeAsync(1000)
  expect(watched.lines.slice(1)).toEqual([{ level: 'info', message: 'redis://somewhere is well again', fields: {} }])
})

it('tells of one outage once, and of the next one anew', async () => {
  const watched = newWatch()
  for (const checks of [[AWAY], [WELL], [AWAY]]) {
    watched.checks = checks
    await vi.advanceTimersByTimeAsync(60_000)
  }
  expect(watched.lines.map(({ level }) => level)).toEqual(['warn', 'info', 'warn'])
})

it('does not believe one bad answer: the process itself may have been blocked', async () => {
  const watched = newWatch()
  watched.checks = [AWAY]
  await vi.advanceTimersByTimeAsync(5000)
  watched.checks = [WELL]
  await vi.advanceTimersByTimeAsync(60_000)
  expect(watched.lines).toEqual([])
})

it('does not believe what it heard while the event loop was blocked', async () => {
  const watched = newWatch()
  watched.checks = [AWAY]
  for (let second = 0; second < 30; second += 1) {
    watched.deafUntil = performance.now()
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(watched.lines).toEqual([])
  await vi.advanceTimersByTimeAsync(3000)
  expect(watched.lines).toHaveLength(1)
})

it('asks and tells no more once it is stopped, not of an answer under way either', async () => {
  const watched = newWatch()
  watched.checks = [AWAY]
  await vi.advanceTimersByTimeAsync(5000)
  const answer = Promise.withResolvers<BrokerHealth>()
  watched.health.mockReturnValueOnce(answer.promise)
  await vi.advanceTimersByTimeAsync(1000)
  watched.watch.stop()
  answer.resolve({ ok: false, checks: [AWAY], durability: { level: 'unknown', summary: '' } })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(watched.health).toHaveBeenCalledTimes(2)
  expect(watched.lines).toEqual([])
  expect(vi.getTimerCount()).toBe(0)
})
