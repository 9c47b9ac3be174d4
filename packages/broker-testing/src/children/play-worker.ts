import type { Broker, Delivery, Outcome, Result, SettleAnswer } from '@ds/core'
import { TestWorker } from '../test-worker.ts'
import type { HoldStage, WorkerRole } from './program-options.ts'
import { say } from './say.ts'

/** Runs tasks until the parent says stop. */
export async function playWorker(broker: Broker, queue: string, role: WorkerRole): Promise<void> {
  const stopped = new Promise<void>((resolve) => onMessage('stop', resolve))
  const worker = await TestWorker.start({
    broker,
    queues: [queue],
    concurrency: role.concurrency,
    lease: role.lease,
    handle: (delivery) => handle(delivery, role),
    onSettled: (delivery, answer) => sayOf('settled', delivery, settled(answer)),
  })
  say('ready')
  process.channel?.ref()
  await stopped
  await worker.stop()
  await broker.close()
  process.channel?.unref()
}

async function handle(delivery: Delivery, role: WorkerRole): Promise<Outcome> {
  await holdAt('claimed', delivery, role)
  sayOf('start', delivery)
  if (delivery.task.id === role.poison) process.kill(process.pid, 'SIGKILL')
  await pause(role.work / 2)
  await holdAt('middle', delivery, role)
  await pause(role.work / 2)
  sayOf('effect', delivery)
  await holdAt('effect', delivery, role)
  return { type: 'done', result: JSON.stringify(delivery.lease.attempt) }
}

async function holdAt(stage: HoldStage, delivery: Delivery, { hold }: WorkerRole): Promise<void> {
  if (hold !== stage) return
  const released = new Promise<void>((resolve) => onMessage('go', resolve))
  sayOf('holding', delivery)
  await released
}

function pause(milliseconds: number): Promise<void> | undefined {
  return milliseconds > 0 ? new Promise((resolve) => setTimeout(resolve, milliseconds)) : undefined
}

function sayOf(what: string, delivery: Delivery, more?: string): void {
  say(what, delivery.task.id, delivery.lease.attempt, ...(more === undefined ? [] : [more]))
}

function settled(answer: Result<SettleAnswer>): string {
  return answer.ok ? answer.value : answer.error.code
}

function onMessage(wanted: string, run: () => void): void {
  process.on('message', (message) => {
    if (message === wanted) run()
  })
}
