import type { BrokerHealth, HealthCheck } from '@ds/core'
import { beforeEach, expect, it, vi } from 'vitest'
import { collectingLogger } from '../test/collecting-logger.ts'
import type { CollectedLine } from '../test/collecting-logger.ts'
import { BrokerWatch, utilizationMeter } from './broker-watch.ts'

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
  utilization: number
}

function newWatch(): Watched {
  const { logger, lines } = collectingLogger()
  const watched: Watched = {
    checks: [WELL],
    utilization: 0,
    lines,
    health: vi.fn(async () => {
      const { checks } = watched
      return { ok: checks.every(({ ok }) => ok), checks, durability: { level: 'unknown', summary: '' } }
    }),
    watch: new BrokerWatch({
      broker: { address: 'redis://somewhere', health: () => watched.health() },
      logger,
      utilization: () => watched.utilization,
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
  await vi.advanceTimersByTimeAsync(9000)
  expect(watched.lines).toEqual([
    {
      level: 'warn',
      message: 'redis://somewhere is not well: connect ECONNREFUSED 127.0.0.1:1. The worker goes on trying',
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

it('says nothing of a server that is back soon', async () => {
  const watched = newWatch()
  watched.checks = [AWAY]
  await vi.advanceTimersByTimeAsync(7500)
  watched.checks = [WELL]
  await vi.advanceTimersByTimeAsync(60_000)
  expect(watched.lines).toEqual([])
})

it('does not believe what it heard while the process was busy', async () => {
  const watched = newWatch()
  watched.checks = [AWAY]
  watched.utilization = 0.9
  await vi.advanceTimersByTimeAsync(30_000)
  expect(watched.lines).toEqual([])
  watched.utilization = 0.1
  await vi.advanceTimersByTimeAsync(5000)
  expect(watched.lines).toHaveLength(1)
})

it('measures how busy this process is', async () => {
  vi.useRealTimers()
  const utilization = utilizationMeter()
  const until = performance.now() + 300
  while (performance.now() < until);
  expect(utilization()).toBeGreaterThan(0.8)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(utilization()).toBeLessThan(0.5)
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
