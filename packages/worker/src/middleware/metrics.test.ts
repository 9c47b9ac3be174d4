import path from 'node:path'
import { createApp, defineTask } from '@ds/core'
import { expect, it } from 'vitest'
import { startWorker } from '../../test/start-worker.ts'
import { metrics } from './metrics.ts'

const greet = defineTask('greet', { group: 'io' }, () => 'hello')
const failing = defineTask('failing', { group: 'io' }, () => {
  throw new Error('boom')
})

it('counts runs by name and outcome, and how long they took', async () => {
  const measured = metrics({ buckets: [0.000001, 60] })
  const app = createApp('app', [greet, failing]).use(measured)
  const { manager, finished } = await startWorker(app)
  for (const name of ['greet', 'greet', 'failing']) await finished((await manager.create(name, null)).id)
  const [greeted, failed] = measured.snapshot()
  expect(greeted).toMatchObject({ name: 'greet', group: 'io', started: 2, running: 0, ended: { done: 2 } })
  expect(greeted?.duration).toMatchObject({
    count: 2,
    buckets: [
      { upTo: 0.000001, count: 0 },
      { upTo: 60, count: 2 },
    ],
  })
  expect(greeted?.duration.sum).toBeGreaterThan(0)
  expect(failed).toMatchObject({ started: 1, ended: { error: 1 } })
})

it('counts what runs in threads and processes too, and what dies there', async () => {
  const measured = metrics()
  const file = path.join(import.meta.dirname, '../../test/apps/isolated-app.ts')
  const { manager, finished } = await startWorker(file, { observers: [measured] })
  await finished((await manager.create('thread_double', 1)).id)
  await finished((await manager.create('process_die', null)).id)
  const byName = Object.fromEntries(measured.snapshot().map((task) => [task.name, task.ended]))
  expect(byName).toEqual({ thread_double: { done: 1 }, process_die: { lost: 2 } })
})

it('writes the text format of Prometheus', () => {
  const measured = metrics({ buckets: [1] })
  const run = { task: { name: 'say "hi"\n', group: 'io' }, duration: 250 } as never
  measured.taskStarted?.(run)
  measured.taskEnded?.({ ...(run as object), outcome: { type: 'done', result: '1' } } as never)
  const name = 'task="say \\"hi\\"\\n",group="io"'
  expect(measured.prometheus()).toBe(`# HELP ds_tasks_started_total Runs of tasks that were started.
# TYPE ds_tasks_started_total counter
ds_tasks_started_total{${name}} 1
# HELP ds_tasks_ended_total Runs of tasks that ended, by outcome.
# TYPE ds_tasks_ended_total counter
ds_tasks_ended_total{${name},outcome="done"} 1
# HELP ds_tasks_running Tasks that run now.
# TYPE ds_tasks_running gauge
ds_tasks_running{${name}} 0
# HELP ds_task_duration_seconds Time from claim to outcome.
# TYPE ds_task_duration_seconds histogram
ds_task_duration_seconds_bucket{${name},le="1"} 1
ds_task_duration_seconds_bucket{${name},le="+Inf"} 1
ds_task_duration_seconds_sum{${name}} 0.25
ds_task_duration_seconds_count{${name}} 1
`)
})
