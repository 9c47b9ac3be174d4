import { setTimeout as delay } from 'node:timers/promises'

/** How long to wait for something, and how to name it when it does not come. */
export interface Patience {
  /** What is waited for, as it follows "Waited 10 s for": `'the server to answer'`. */
  what: string
  timeoutMs: number
  /** Between two tries. Default 20. */
  intervalMs?: number
}

/**
 * Tries until `attempt` gives something other than `undefined` or `false`.
 *
 * @throws the last error of `attempt` as the cause of an `Error` that says what was waited for and how long.
 */
export async function waitUntil<Value>(
  attempt: () => Value | undefined | false | Promise<Value | undefined | false>,
  patience: Patience,
): Promise<Value> {
  const deadline = performance.now() + patience.timeoutMs
  let cause: unknown
  do {
    try {
      const value = await attempt()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      cause = error
    }
    await delay(patience.intervalMs ?? 20)
  } while (performance.now() < deadline)
  throw new Error(`Waited ${patience.timeoutMs / 1000} s for ${patience.what}.`, { cause })
}

/** Resolves with the promise's value, or with `undefined` once the time is over. */
export async function within<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value | undefined> {
  const over = new AbortController()
  try {
    return await Promise.race([promise, delay(timeoutMs, undefined, { signal: over.signal })])
  } finally {
    over.abort()
  }
}
