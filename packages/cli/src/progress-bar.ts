import { isFinal } from '@ds/core'
import type { TaskEvent } from '@ds/core'
import type { OutputStream } from './output.ts'

const WIDTH = 20
const PLAIN_INTERVAL = 5000

/** How a task fares, on one line that is drawn again on a terminal, and as a line now and then elsewhere. */
export class ProgressBar {
  readonly #stream: OutputStream
  readonly #startedAt: number
  #runningSince: number | undefined
  #shownAt: number
  #open = false

  constructor(stream: OutputStream, now: number = Date.now()) {
    this.#stream = stream
    this.#startedAt = now
    this.#shownAt = now
  }

  /** Shows what an event says. */
  update(event: TaskEvent, now: number = Date.now()): void {
    if (event.state === 'RUNNING') this.#runningSince ??= now
    else if (event.state === 'QUEUED') this.#runningSince = undefined
    if (this.#stream.isTTY) {
      this.#stream.write(`\r\x1b[2K${this.#fit(this.#text(event, now))}`)
      this.#open = true
      return
    }
    if (!isFinal(event.state) && now - this.#shownAt < PLAIN_INTERVAL) return
    this.#shownAt = now
    this.#stream.write(`${this.#text(event, now)}\n`)
  }

  /** Ends the line. */
  end(): void {
    if (this.#open) this.#stream.write('\n')
    this.#open = false
  }

  #text(event: TaskEvent, now: number): string {
    const percent = `${Math.floor(event.progress * 100)} %`.padStart(5)
    const parts = [`${event.name} ${bar(event.progress)} ${percent}`, seconds(now - this.#startedAt)]
    if (event.state !== 'RUNNING' && event.state !== 'DONE') parts.push(describeState(event, now))
    const left = this.#timeLeft(event, now)
    if (left !== undefined) parts.push(`${seconds(left)} left`)
    return parts.join('  ')
  }

  #timeLeft(event: TaskEvent, now: number): number | undefined {
    if (event.state !== 'RUNNING' || event.progress <= 0 || this.#runningSince === undefined) return undefined
    const elapsed = now - this.#runningSince
    return elapsed < 1000 ? undefined : (elapsed * (1 - event.progress)) / event.progress
  }

  /** A line that wraps cannot be drawn over. */
  #fit(text: string): string {
    const { columns } = this.#stream
    return columns === undefined || text.length < columns ? text : text.slice(0, columns - 1)
  }
}

function bar(progress: number): string {
  const full = Math.floor(progress * WIDTH)
  return '█'.repeat(full) + '░'.repeat(WIDTH - full)
}

function describeState(event: TaskEvent, now: number): string {
  if (event.state !== 'QUEUED' || event.runAt === undefined) return event.state
  const wait = seconds(Math.max(0, event.runAt - now))
  return event.attempt > 0 ? `QUEUED, retry in ${wait}` : `QUEUED, starts in ${wait}`
}

/** As in `0.1 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function seconds(milliseconds: number): string {
  const total = milliseconds / 1000
  if (total < 10) return `${total.toFixed(1)} s`
  const whole = Math.round(total)
  if (whole < 60) return `${whole} s`
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`
}
