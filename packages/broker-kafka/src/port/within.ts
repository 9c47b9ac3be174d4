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

/**
 * How long to wait before the next try: hardly at all at first, because most breaks are over at once, then 50, 100, 200 ... up to
 * 1000 ms, so that the return of a server is noticed soon.
 */
export function backoff(failures: number): number {
  const wait = failures === 0 ? 5 : Math.min(1000, 25 * 2 ** Math.min(failures, 10))
  return wait * (0.75 + Math.random() / 2)
}

/** Counts failures that follow each other, and says how long to wait after each. */
export class Retries {
  #failedAt = 0
  count = 0

  /** One more failure: milliseconds until the next try. */
  next(): number {
    const wait = backoff(this.count)
    this.count += 1
    this.#failedAt = Date.now()
    return wait
  }

  /** Something worked. Failures just before count on: while one server is gone, the others work. */
  worked(): void {
    if (Date.now() - this.#failedAt > 2000) this.count = 0
  }
}
