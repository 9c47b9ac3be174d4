import { StringDecoder } from 'node:string_decoder'

/** Which line is meant: one that contains the text, matches the expression, or passes the test. */
export type LineMatch = string | RegExp | ((line: string) => boolean)

/** How long to wait for a line, and from where to look. */
export interface LineWait {
  /** Default 10,000. */
  timeoutMs?: number
  /** Index of the first line to look at: pass `lines.length` to look only at what comes. Default 0. */
  from?: number
}

interface Waiter {
  wanted: string
  matches: (line: string) => boolean
  found: (line: string) => void
  failed: (error: Error) => void
}

/** Cuts a stream of bytes into lines, keeps them, and tells who waits for one. */
export class LineCollector {
  readonly lines: string[] = []
  readonly #decoder = new StringDecoder('utf8')
  readonly #waiters = new Set<Waiter>()
  #rest = ''
  #ended = false

  add(chunk: Buffer): void {
    const parts = (this.#rest + this.#decoder.write(chunk)).split('\n')
    this.#rest = parts.pop() ?? ''
    for (const line of parts) this.#take(line)
  }

  /** No more comes: an unfinished last line counts as one, and everybody who still waits is refused. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#rest !== '') this.#take(this.#rest)
    for (const waiter of this.#waiters) waiter.failed(this.#missing(waiter.wanted, 'The process ended'))
  }

  /**
   * The first line that matches, among those already there or to come.
   *
   * @throws Error when none came in time or the process ended without; it shows the last lines.
   */
  async waitFor(match: LineMatch, { timeoutMs = 10_000, from = 0 }: LineWait = {}): Promise<string> {
    const matches = matcher(match)
    const known = this.lines.slice(from).find(matches)
    if (known !== undefined) return known
    const wanted = String(match)
    if (this.#ended) throw this.#missing(wanted, 'The process ended')
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const waiter: Waiter = { wanted, matches, found: resolve, failed: reject }
    const timer = setTimeout(() => reject(this.#missing(wanted, `${timeoutMs / 1000} s went by`)), timeoutMs)
    this.#waiters.add(waiter)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#waiters.delete(waiter)
    }
  }

  #take(line: string): void {
    this.lines.push(line)
    for (const waiter of this.#waiters) if (waiter.matches(line)) waiter.found(line)
  }

  #missing(wanted: string, what: string): Error {
    return new Error(`${what} without a line like ${wanted}. The last lines:\n${this.lines.slice(-10).join('\n')}`)
  }
}

function matcher(match: LineMatch): (line: string) => boolean {
  if (typeof match === 'string') return (line) => line.includes(match)
  if (match instanceof RegExp) return (line) => line.search(match) >= 0
  return match
}
