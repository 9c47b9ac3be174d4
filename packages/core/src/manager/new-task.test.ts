import { expect, test } from 'vitest'
import { newTask } from './new-task.ts'
import type { CreateOptions } from './task-manager.ts'

const PROFILE = { group: 'io', maxRetries: 0, maxCrashes: 3 }
const RULES = { maxPayload: 1000, middleware: [], parentId: undefined }

test.each([
  [{ id: 10n }, /task id 10n is not valid/],
  [{ group: 10n }, /group 10n is not a valid name/],
  [{ maxRetries: NaN }, /maxRetries is NaN/],
  [{ delay: Infinity }, /delay is not a time: Infinity/],
  [{ delay: '36501d' }, /at most 100 years/],
  [{ runAt: 1e300 }, /runAt is 1e\+300.*100 years/],
  [{ runAt: new Date('soon') }, /runAt is not a time/],
])('a task is refused for %o, and the message shows what was given', (options, message) => {
  expect(() => newTask({ ...(options as CreateOptions), name: 'scan', args: null }, PROFILE, RULES)).toThrow(message)
})

test('times are whole milliseconds, and not before what was asked for', () => {
  const asked = { name: 'scan', args: null, delay: 0.4, runAt: 1000.2 }
  expect(newTask(asked, PROFILE, RULES)).toMatchObject({ delay: 1, runAt: 1001 })
})
