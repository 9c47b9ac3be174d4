import { Fifo } from '@ds/core'

/** Lets so many through at a time; the others wait for their turn, first come first served. */
export class Gate {
  readonly #most: () => number
  readonly #waiting = new Fifo<() => void>()
  #inside = 0

  constructor(most: () => number) {
    this.#most = most
  }

  async pass<Answer>(run: () => Promise<Answer>): Promise<Answer> {
    if (this.#inside >= this.#most()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inside += 1
    try {
      return await run()
    } finally {
      // Whoever goes in next takes the place over.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#inside -= 1
    }
  }
}
