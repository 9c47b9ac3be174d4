import type { WriteStream } from 'node:tty'

type Paint = (text: string) => string

/** Where the output goes: a terminal gets colours and bars that are drawn again, anything else plain lines. */
export interface Terminal {
  readonly isLive: boolean
  readonly columns: number
  readonly write: (text: string) => void
  readonly line: (text?: string) => void
  readonly bold: Paint
  readonly dim: Paint
  readonly green: Paint
  readonly red: Paint
  readonly yellow: Paint
}

export function terminalOf(stream: WriteStream): Terminal {
  // Whoever reads may stop reading: `npm start | head`.
  stream.on('error', () => process.exit())
  const isLive = stream.isTTY === true && process.env['TERM'] !== 'dumb'
  const hasColour = isLive && !process.env['NO_COLOR']
  const paint =
    (code: number): Paint =>
    (text) =>
      hasColour ? `\x1b[${code}m${text}\x1b[0m` : text
  return {
    isLive,
    columns: isLive ? stream.columns || 80 : 120,
    write: (text) => void stream.write(text),
    line: (text = '') => void stream.write(`${text}\n`),
    bold: paint(1),
    dim: paint(2),
    green: paint(32),
    red: paint(31),
    yellow: paint(33),
  }
}

export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}

/** `1 file`, `2 files`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : plural(noun)}`
}

function plural(noun: string): string {
  return noun.endsWith('s') || noun.endsWith('ch') ? 'es' : 's'
}

/** Cut to a width, with a sign that it was. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(1, width - 1))}…`
}
