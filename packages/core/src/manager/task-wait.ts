import { milliseconds } from '../duration.ts'
import { WaitTimeoutError } from '../errors.ts'
import { LongTimer } from '../long-timer.ts'
import { Follower } from '../watching/follower.ts'
import type { TaskFollowers } from '../watching/task-followers.ts'
import { isFinal } from '../tasks/task.ts'
import type { FinalState } from '../tasks/task.ts'
import type { WaitOptions } from './task-manager.ts'

const NEVER: AbortSignal = new AbortController().signal

/** Resolves with the state a task ends in: at once where it has ended. Rejects with the reason of the signal. */
export function finalState(followers: TaskFollowers, id: string, signal: AbortSignal): Promise<FinalState> {
  return new Promise((resolve, reject) => {
    const follower = new Follower(id, {
      onNews: ({ state }) => {
        if (!isFinal(state)) return
        stop()
        resolve(state)
      },
      onEnd: (error) => {
        stop()
        reject(error)
      },
    })
    const onAbort = (): void => {
      stop()
      reject(reasonOf(signal))
    }
    const stop = (): void => {
      followers.delete(follower)
      if (signal !== NEVER) signal.removeEventListener('abort', onAbort)
    }
    if (signal.aborted) return onAbort()
    if (signal !== NEVER) signal.addEventListener('abort', onAbort, { once: true })
    void followers.add(follower)
  })
}

/**
 * Runs a wait under its limits: `body` gets a signal that fires at the timeout or with the caller's signal, and is left behind then.
 * @throws WaitTimeoutError, or the reason of the caller's signal.
 */
export async function withinLimits<Value>(
  id: string,
  { timeout, signal }: WaitOptions,
  body: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (timeout === undefined && !signal) return body(NEVER)
  const limit = timeout === undefined ? undefined : milliseconds(timeout, 'timeout')
  signal?.throwIfAborted()
  const ending = new AbortController()
  const onAbort = (): void => ending.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const onTime = (time: number): void => ending.abort(new WaitTimeoutError(id, time))
  const timer = limit === undefined ? undefined : new LongTimer(limit, () => onTime(limit))
  try {
    return await Promise.race([body(ending.signal), rejection(ending.signal)])
  } finally {
    timer?.clear()
    signal?.removeEventListener('abort', onAbort)
    ending.abort()
  }
}

function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(reasonOf(signal)), { once: true })
  })
}

function reasonOf(signal: AbortSignal): Error {
  const reason: unknown = signal.reason
  return reason instanceof Error ? reason : new Error(String(reason))
}
