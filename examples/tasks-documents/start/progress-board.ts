import type { TaskEvent, TaskHandle } from '@ds/core'
import { cut, seconds, type Terminal } from './terminal.ts'

const WIDTH = 20
const LABEL = 19
const FRAME = 80

interface Row {
  readonly label: string
  progress: number
  state: string
  note: string
  readonly startedAt: number
  endedAt: number | undefined
}

/** How a task ended: with a result, or with the reason why not. */
export type Outcome<Result> =
  { readonly result: Result; readonly error: undefined } | { readonly result: undefined; readonly error: string }

/** One bar for each task that runs, drawn again as they move; without a terminal, a line for each that ended. */
export class ProgressBoard {
  readonly #terminal: Terminal
  #rows: Row[] = []
  readonly #followed = new Set<TaskHandle>()
  #drawn = 0
  #timer: NodeJS.Timeout | undefined

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  /** Follows a task to its end. `describe` says in a few words what its result is. Resolves to the result, or the error. */
  async follow<Result>(
    label: string,
    handle: TaskHandle<Result>,
    describe: (result: Result) => string,
  ): Promise<Outcome<Result>> {
    const row: Row = { label, progress: 0, state: 'QUEUED', note: '', startedAt: performance.now(), endedAt: undefined }
    this.#rows.push(row)
    this.#followed.add(handle)
    this.#timer ??= setInterval(() => this.#draw(), FRAME)
    for await (const event of handle.watch()) update(row, event)
    const outcome = await outcomeOf(handle)
    this.#followed.delete(handle)
    row.endedAt = performance.now()
    row.note = outcome.error ?? describe(outcome.result)
    if (!this.#terminal.isLive) this.#terminal.line(this.#text(row))
    return outcome
  }

  /** Cancels the tasks that run; what follows them sees them end. */
  async cancel(): Promise<void> {
    await Promise.allSettled([...this.#followed].map((handle) => handle.cancel()))
  }

  /** Leaves the bars as they are and begins below them. */
  rest(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#draw()
    this.#rows = []
    this.#drawn = 0
  }

  /** A line that is no task. */
  tell(label: string, text: string): void {
    this.#terminal.line(this.#terminal.dim(`  ${label.padEnd(LABEL)}${text}`))
  }

  #draw(): void {
    if (!this.#terminal.isLive) return
    const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : ''
    this.#terminal.write(up + this.#rows.map((row) => `\r\x1b[2K${this.#text(row)}\n`).join(''))
    this.#drawn = this.#rows.length
  }

  #text(row: Row): string {
    const { dim, green, red, yellow } = this.#terminal
    const full = Math.round(row.progress * WIDTH)
    const paint = row.state === 'DONE' ? green : row.state === 'ERROR' || row.state === 'CANCELLED' ? red : yellow
    const bar = paint('█'.repeat(full)) + dim('░'.repeat(WIDTH - full))
    const percent = `${Math.floor(row.progress * 100)} %`.padStart(5)
    const time = seconds((row.endedAt ?? performance.now()) - row.startedAt).padStart(7)
    const room = this.#terminal.columns - LABEL - WIDTH - 18
    return `  ${row.label.padEnd(LABEL)}${bar} ${percent} ${time}  ${cut(row.note, room)}`
  }
}

function update(row: Row, event: TaskEvent): void {
  row.state = event.state
  row.progress = event.progress
}

async function outcomeOf<Result>(handle: TaskHandle<Result>): Promise<Outcome<Result>> {
  try {
    return { result: await handle.result(), error: undefined }
  } catch (error) {
    const last = (await handle.errors().catch(() => [])).at(-1)
    return { result: undefined, error: last?.error.message ?? (error instanceof Error ? error.message : String(error)) }
  }
}
