import type { WaitWrapper } from '@ds/core'

/** How a handler says that it waits and that it goes on. */
export interface Suspension {
  suspend(): void
  /** Resolves when it has a slot again. */
  resume(): Promise<void>
}

/**
 * Surrounds the waits of a handler for other tasks: meanwhile its slot is free, or a task and its subtask would wait for each other; and a
 * handler that is told to end waits no longer, but gets the reason of its signal thrown.
 */
export function suspendedWaits(suspension: Suspension, signal: AbortSignal): WaitWrapper {
  return async (wait) => {
    signal.throwIfAborted()
    suspension.suspend()
    try {
      return await orAborted(wait(), signal)
    } finally {
      await suspension.resume()
    }
  }
}

async function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
