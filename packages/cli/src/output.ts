import { DsError } from '@ds/core'

export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** Where the commands write: what was asked for on stdout, all that is said about it on stderr. */
export class Output {
  readonly json: boolean
  readonly stdout: OutputStream
  readonly stderr: OutputStream

  constructor(options: { json: boolean; stdout?: OutputStream; stderr?: OutputStream }) {
    this.json = options.json
    this.stdout = options.stdout ?? process.stdout
    this.stderr = options.stderr ?? process.stderr
  }

  /** A line of what was asked for. */
  line(text: string): void {
    this.stdout.write(`${text}\n`)
  }

  /** A line about it. */
  note(text: string): void {
    this.stderr.write(`${text}\n`)
  }

  /** With `--json` the value on one line, else the text. */
  answer(value: unknown, text: string): void {
    this.line(this.json ? JSON.stringify(value) : text)
  }

  /** Any JSON, as people like to read it; on one line with `--json`. */
  value(value: unknown): void {
    this.line(this.json ? JSON.stringify(value) : JSON.stringify(value, null, 2))
  }

  /** One line about an error, without a stack. */
  error(error: unknown): void {
    const { code, message, fix } = describeError(error)
    this.note(
      this.json ? JSON.stringify({ error: { code, message, ...(fix !== undefined && { fix }) } }) : `ds: ${message}`,
    )
  }
}

function describeError(error: unknown): { code: string; message: string; fix?: string } {
  if (DsError.is(error)) {
    const message = oneLine(error.message)
    return error.fix === undefined ? { code: error.code, message } : { code: error.code, message, fix: error.fix }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { code: 'Internal', message: `unexpected error: ${oneLine(message)}. This is a bug in ds: please report it` }
}

/** A text without its line breaks. */
export function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
