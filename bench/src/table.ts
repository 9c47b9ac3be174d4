import type { Row } from './row.ts'

const WIDTHS = [6, 20, 12, 32, 12, 24]

export function headOf(): string {
  return columns(['bench', 'subject', 'concurrency', 'metric', 'median', 'min - max', 'ours / it'])
}

/** A row of the table; beside a peer's figure how many times it ours is. */
export function tableLine(row: Row, rows: readonly Row[]): string {
  const ours = rows.find(({ subject, metric }) => subject === 'ours' && metric === row.metric)
  const ratio = ours && row.subject !== 'ours' ? `${(ours.value / row.value).toFixed(2)}x` : ''
  const spread = `${number(row.min)} - ${number(row.max)}`
  return columns([
    row.bench,
    row.subject,
    String(row.concurrency ?? ''),
    row.metric,
    `${number(row.value)}`,
    `${spread} ${row.unit}`,
    ratio,
  ])
}

function columns(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(WIDTHS[index] ?? 0))
    .join(' ')
    .trimEnd()
}

function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(3)
}
