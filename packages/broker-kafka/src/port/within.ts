/** A call that took longer than it was given. What it does goes on, and nobody hears of it. */
export class TooLateError extends Error {
  constructor(what: string, limit: number) {
    super(`${what} had no answer within ${limit} ms`)
    this.name = 'TooLateError'
  }
}

/** The result of `work`, or a {@link TooLateError} after `limit` ms. */
export function within<Result>(limit: number, what: string, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TooLateError(what, limit)), limit)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** A pause that can be cut short. */
export class Pause {
  #wake: (() => void) | undefined

  /** Resolves after `limit` ms, or as soon as {@link Pause.end} is called. */
  wait(limit: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.end(), limit)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  end(): void {
    this.#wake?.()
  }
}

/** How long to wait before the next try: 50, 100, 200 ... up to 1000 ms, so that the return of a server is noticed soon. */
export function backoff(failures: number): number {
  return Math.min(1000, 50 * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2)
}
