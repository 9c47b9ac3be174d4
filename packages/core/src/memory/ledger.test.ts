import { expect, test } from 'vitest'
import type { Task } from '../tasks/task.ts'
import { Ledger } from './ledger.ts'

function task(id: string, more: Partial<Task> = {}): Task {
  const base = { schema: 1, id, name: 't', group: 'g', queue: 'g', state: 'QUEUED', progress: 0, attempt: 0 } as const
  const counted = { failures: 0, crashes: 0, maxRetries: 0, maxCrashes: 3, createdAt: 0, version: 1, incarnation: 'i' }
  return { ...base, ...counted, ...more }
}

test('a task that ended, ran again and ended later keeps no older one past its age', () => {
  const ledger = new Ledger({ age: 100 })
  const [again, once] = [ledger.add(task('again'), ''), ledger.add(task('once'), '')]
  ledger.update(again, task('again', { state: 'DONE', completedAt: 0 }))
  ledger.update(once, task('once', { state: 'DONE', completedAt: 10 }))
  ledger.update(again, task('again'))
  ledger.update(again, task('again', { state: 'DONE', completedAt: 90 }))
  ledger.expire(110)
  expect(ledger.get('once')).toBeUndefined()
  expect(ledger.get('again')).toBeDefined()
  ledger.expire(190)
  expect(ledger.get('again')).toBeUndefined()
})
