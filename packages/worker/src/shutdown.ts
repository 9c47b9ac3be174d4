import type { Logger, TaskConsumer } from '@ds/core'
import type { Deliveries } from './deliveries.ts'
import type { ReceiveLoop } from './receive-loop.ts'
import { isWithin } from './within.ts'

/** Milliseconds a broker may take for its part of a shutdown before it is left. */
const BROKER_PATIENCE = 5000
/** Milliseconds between two lines about what is waited for. */
const REMINDER_INTERVAL = 5000
const LISTED_TASKS = 10

export interface ShutdownParts {
  readonly loop: ReceiveLoop
  readonly deliveries: Deliveries
  readonly consumer: TaskConsumer
  readonly logger: Logger
  /** Milliseconds that running tasks may go on. */
  readonly drain: number
  /** Milliseconds that their handlers have to end once their signal fired. */
  readonly grace: number
}

/**
 * Ends a worker's work in stages, each with its limit: nothing new is received; what runs may go on for `drain`; then its signal fires with
 * reason `shutdown`; what has not ended `grace` later is given back to its queue. Leases are kept throughout, outcomes sent. Never rejects.
 */
export async function endWork(parts: ShutdownParts): Promise<void> {
  const { loop, deliveries, consumer, logger, drain, grace } = parts
  deliveries.close()
  await isWithin(BROKER_PATIENCE, loop.stop())
  await isWithin(
    BROKER_PATIENCE,
    consumer.drain().catch((error: unknown) => logger.warn('Draining failed', { error })),
  )
  if (!(await isIdle(parts, drain))) {
    deliveries.abortAll('shutdown', 'The worker is shutting down')
    if (!(await isWithin(grace, deliveries.idle()))) releaseRest(parts)
  }
  if (await isWithin(BROKER_PATIENCE, deliveries.settled())) return
  logger.warn('The broker did not take all outcomes in time; these tasks run again when their leases have run out')
}

async function isIdle(parts: ShutdownParts, drain: number): Promise<boolean> {
  const { deliveries } = parts
  const until = performance.now() + drain
  for (;;) {
    const left = until - performance.now()
    if (deliveries.running.length === 0) return true
    if (left <= 0) return false
    tellWaiting(parts, left)
    if (await isWithin(Math.min(left, REMINDER_INTERVAL), deliveries.idle())) return true
  }
}

function tellWaiting({ deliveries, logger }: ShutdownParts, left: number): void {
  const { running } = deliveries
  const tasks = running.slice(0, LISTED_TASKS).map(({ task }) => `${task.name} ${task.id}`)
  const count = running.length === 1 ? '1 task' : `${running.length} tasks`
  logger.info(`Shutting down: waiting up to ${Math.ceil(left / 1000)} s for ${count}`, { tasks })
}

function releaseRest({ deliveries, logger }: ShutdownParts): void {
  const names = [...new Set(deliveries.running.map(({ task }) => task.name))].sort()
  logger.warn(`Tasks went on although their signal fired, and were given back to their queue: ${names.join(', ')}`)
  deliveries.releaseAll()
}

/** The exit code by which a shell knows a program that a signal ended. */
const SIGNAL_EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const
type EndingSignal = keyof typeof SIGNAL_EXIT_CODES

/** Milliseconds in which signals are one: npm and npx pass Ctrl-C on to a child that the terminal has told already. */
const ONE_SIGNAL = 500

/**
 * Calls `onFirst` at the first SIGTERM or SIGINT; a second one, half a second later or more, ends the process at once. Gives a function
 * that stops listening.
 */
export function listenForSignals(onFirst: (signal: EndingSignal) => void, logger: Logger): () => void {
  let heardAt: number | undefined
  const onSignal = (signal: EndingSignal): void => {
    if (heardAt !== undefined) {
      if (performance.now() - heardAt < ONE_SIGNAL) return
      logger.warn(
        `${signal} again: ending at once. Tasks that ran start again elsewhere when their leases have run out`,
      )
      process.exit(SIGNAL_EXIT_CODES[signal])
    }
    heardAt = performance.now()
    onFirst(signal)
  }
  const signals = Object.keys(SIGNAL_EXIT_CODES) as EndingSignal[]
  for (const signal of signals) process.on(signal, onSignal)
  return () => {
    for (const signal of signals) process.off(signal, onSignal)
  }
}
