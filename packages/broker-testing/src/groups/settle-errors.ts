import type { TaskError } from '@ds/core'
import { MAX_ATTEMPT_ERRORS } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { equal } from '../check.ts'
import { again, receiveOne, runningTask, settleWell, taskError } from '../consuming.ts'

export async function lastErrorsKept(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const attempts = MAX_ATTEMPT_ERRORS + 5
  const running = await runningTask(context, broker, { fields: { maxRetries: attempts } })
  let delivery = running.delivery
  for (let attempt = 1; attempt < attempts; attempt++) {
    await settleWell(running, delivery, again(0, `attempt ${attempt}`))
    delivery = await receiveOne(context, running.consumer)
  }
  const { failures } = await settleWell(running, delivery, {
    type: 'error',
    error: taskError(`attempt ${attempts}`),
  })
  equal(failures, attempts, 'the failures of a task that failed in every attempt')
  const errors = await broker.errors(running.task.id)
  const expected = Array.from({ length: MAX_ATTEMPT_ERRORS }, (_, index) => attempts - MAX_ATTEMPT_ERRORS + 1 + index)
  equal(
    errors.map(({ attempt }) => attempt),
    expected,
    `the attempts in the list of errors after ${attempts} failures`,
  )
  equal(
    errors.map(({ error }) => error.message),
    expected.map((attempt) => `attempt ${attempt}`),
    'the messages',
  )
  const times = errors.map(({ at }) => at)
  equal(
    times,
    times.toSorted((a, b) => a - b),
    'the times of the errors: oldest first',
  )
  equal(await broker.errors('unknown'), [], 'the errors of an unknown id')
}

/** As large as core lets them be. */
export async function errorsAreCut(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const error: TaskError = {
    name: 'é🙂 Error',
    message: 'm'.repeat(4096),
    cause: 'the cause\nof two lines',
    stacktrace: Array.from({ length: 50 }, (_, index) => ({
      name: `function${index}`,
      file: '/a b/é.ts',
      lineno: index,
    })),
  }
  const running = await runningTask(context, broker)
  await settleWell(running, running.delivery, { type: 'retry', error, delay: 0 })
  const second = await receiveOne(context, running.consumer)
  equal(second.previousError, error, 'the error that the next attempt gets')
  equal((await broker.errors(running.task.id))[0]?.error, error, 'the error read')
}
