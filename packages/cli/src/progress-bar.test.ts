import type { TaskEvent } from '@ds/core'
import { expect, test } from 'vitest'
import { ProgressBar, seconds } from './progress-bar.ts'

function event(more: Partial<TaskEvent>): TaskEvent {
  const base = {
    type: 'ProgressEvent',
    taskId: 'a',
    name: 'index',
    group: 'io',
    state: 'RUNNING',
    progress: 0,
  } as const
  return { ...base, attempt: 1, retriesLeft: 0, version: 1, createdAt: 0, ...more }
}

function barOn(isTTY: boolean): { bar: ProgressBar; written: string[] } {
  const written: string[] = []
  return { bar: new ProgressBar({ write: (text) => written.push(text), isTTY, columns: 70 }, 0), written }
}

test('a terminal sees one line drawn again, with the time that is left', () => {
  const { bar, written } = barOn(true)
  bar.update(event({ progress: 0 }), 0)
  bar.update(event({ progress: 0.25 }), 2000)
  bar.update(event({ state: 'DONE', progress: 1 }), 8000)
  bar.end()
  expect(written[1]).toBe('\r\x1b[2Kindex █████░░░░░░░░░░░░░░░  25 %  2.0 s  6.0 s left')
  expect(written[2]).toBe('\r\x1b[2Kindex ████████████████████ 100 %  8.0 s')
  expect(written.at(-1)).toBe('\n')
})

test('elsewhere a line is written every five seconds, and at the end', () => {
  const { bar, written } = barOn(false)
  for (let time = 0; time <= 10_000; time += 100) bar.update(event({ progress: time / 20_000 }), time)
  bar.update(event({ state: 'DONE', progress: 1 }), 10_100)
  expect(written).toHaveLength(3)
  expect(written.every((line) => line.endsWith('\n'))).toBe(true)
})

test('a waiting retry says when it runs again', () => {
  const { bar, written } = barOn(true)
  bar.update(event({ state: 'QUEUED', attempt: 1, runAt: 9000 }), 4000)
  expect(written[0]).toContain('QUEUED, retry in 5.0 s')
})

test('a line never wraps', () => {
  const { bar, written } = barOn(true)
  bar.update(event({ name: 'a_task_with_quite_a_long_name_indeed_that_nobody_would_choose', progress: 0.5 }), 100)
  expect(written[0]?.replace('\r\x1b[2K', '').length).toBeLessThan(70)
})

test('times are said as people say them', () => {
  expect([100, 12_000, 200_000, 7_500_000].map(seconds)).toEqual(['0.1 s', '12 s', '3 min 20 s', '2 h 5 min'])
})
