import type { Entry } from './entry.ts'

/** The log's answer to a record with a nonce. */
export interface Answer {
  readonly answer: string
  readonly entry: Entry | undefined
}

/** Hears of an answer, in the turn in which it was read. Must not throw. */
export type OnAnswer = (answer: Answer) => void

interface Open {
  readonly onAnswer: OnAnswer
  readonly onError: (error: Error) => void
  readonly since: number
}

/** Whoever waits until the log has answered what he wrote. */
export class Answers {
  readonly #open = new Map<string, Open>()
  /** Hears of answers that nobody waits for, such as those that came after their time. Must not throw. */
  onUnexpected: ((nonce: string, answer: string, entry: Entry | undefined) => void) | undefined

  /** Resolves with the answer to the record that carries this nonce. */
  expect(nonce: string): Promise<Answer> {
    return new Promise((resolve, reject) => this.listen(nonce, resolve, reject))
  }

  listen(nonce: string, onAnswer: OnAnswer, onError: (error: Error) => void): void {
    const present = this.#open.get(nonce)
    this.#open.set(nonce, {
      since: Date.now(),
      onAnswer: present ? (answer) => (present.onAnswer(answer), onAnswer(answer)) : onAnswer,
      onError: present ? (error) => (present.onError(error), onError(error)) : onError,
    })
  }

  answer(nonce: string, answer: string, entry: Entry | undefined): void {
    const open = this.#open.get(nonce)
    if (!open) return this.onUnexpected?.(nonce, answer, entry)
    this.#open.delete(nonce)
    open.onAnswer({ answer, entry })
  }

  /** Says that the record was not written, or that nobody knows. */
  fail(nonce: string, error: Error): void {
    const open = this.#open.get(nonce)
    this.#open.delete(nonce)
    open?.onError(error)
  }

  giveUp(before: number, makeError: () => Error): void {
    for (const [nonce, { since }] of this.#open) {
      // They were added in the order of time.
      if (since >= before) return
      this.fail(nonce, makeError())
    }
  }

  close(error: Error): void {
    for (const nonce of [...this.#open.keys()]) this.fail(nonce, error)
  }
}
