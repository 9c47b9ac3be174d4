const FIRST_WAIT = 50
const LONGEST_WAIT = 2000

/** The waits between tries over an outage: they grow from 50 ms to 2 s, and a fifth of each is chance, so that many clients do not return at once. */
export class Patience {
  #wait = FIRST_WAIT

  /** Resolves after the next wait, or after `atMost` ms if that is sooner, or at once when the signal fires. Never rejects. */
  async wait(signal: AbortSignal, atMost: number = Number.POSITIVE_INFINITY): Promise<void> {
    const time = Math.min(this.#wait * (0.9 + 0.2 * Math.random()), Math.max(FIRST_WAIT, atMost))
    this.#wait = Math.min(LONGEST_WAIT, this.#wait * 2)
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, time)
      signal.addEventListener('abort', end, { once: true })
    })
  }
}
