import { writeFileSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { createApp, defineDependency, defineTask } from '@ds/core'
import type { AnyTaskDefinition, App, Isolation, TaskAbortedError } from '@ds/core'

let setups = 0
const counter = defineDependency('counter', {
  setup: () => {
    setups += 1
    return { setups }
  },
  teardown: () => {
    if (process.env['TEARDOWN_FILE']) writeFileSync(process.env['TEARDOWN_FILE'], 'torn down')
  },
})

class ConnectionError extends Error {
  override name = 'ConnectionError'
}

/** Where a task runs: told apart by process id and thread id. */
interface Place {
  readonly pid: number
  readonly thread: number
  readonly setups: number
}

/** The same tasks for each isolation, named after it. */
function tasksOf(isolation: Isolation): AnyTaskDefinition[] {
  const retried = { isolation, maxRetries: 3, backoff: () => 5 } as const
  return [
    defineTask(`${isolation}_place`, { isolation, dependencies: [counter] }, (_args: null, { dependencies }): Place => {
      return { pid: process.pid, thread: threadId, setups: dependencies.counter.setups }
    }),
    defineTask(`${isolation}_double`, { isolation }, (value: number) => value * 2),
    defineTask(`${isolation}_spin`, { ...retried, grace: 100 }, (file: string) => {
      writeFileSync(file, String(process.pid))
      for (;;);
    }),
    defineTask(`${isolation}_slow_spin`, { isolation, timeout: 150, grace: 100 }, () => {
      for (;;);
    }),
    defineTask(`${isolation}_die`, { ...retried, maxCrashes: 2 }, () => die(isolation)),
    defineTask(`${isolation}_hold`, retried, async (file: string, { attempt, signal }) => {
      if (attempt > 1) return `attempt ${attempt}`
      writeFileSync(file, String(process.pid))
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      throw (signal.reason as TaskAbortedError).kind === 'cancelled' ? new TypeError('ended') : (signal.reason as Error)
    }),
    defineTask(
      `${isolation}_flaky`,
      { ...retried, retryOn: [ConnectionError] },
      (_args: null, { attempt, previousError }) => {
        if (attempt === 1) throw new ConnectionError('first try')
        throw new TypeError(`after ${previousError?.name}`)
      },
    ),
    defineTask(`${isolation}_big`, { isolation, maxRetries: 3 }, () => 'x'.repeat(600 * 1024)),
    defineTask(`${isolation}_progress`, retried, async (_args: null, { progress, signal, logger }) => {
      logger.info('half-way', { page: 3, when: new Error('odd field') })
      progress(0.5)
      progress.flush()
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    }),
    defineTask(`${isolation}_parent`, { isolation }, async (value: number, { manager }) => {
      const child = await manager.create(`${isolation}_double`, value)
      const states: string[] = []
      for await (const { state } of child.watch()) states.push(state)
      return { result: await child.result(), last: states.at(-1), parentId: (await child.get()).parentId }
    }),
    defineTask(`${isolation}_errors`, { isolation }, async (_args: null, { manager }) => {
      return Promise.all([
        manager.create('nowhere', null).catch((error: unknown) => (error as { code: string }).code),
        manager.retry('no-such-task').catch((error: unknown) => (error as { code: string }).code),
      ])
    }),
  ]
}

function die(isolation: Isolation): never {
  if (isolation === 'process') process.kill(process.pid, 'SIGKILL')
  return process.exit(3)
}

const neighbour = defineTask('neighbour', async (value: number) => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  return value
})

export const app: App = createApp('isolated', [...tasksOf('thread'), ...tasksOf('process'), neighbour])
