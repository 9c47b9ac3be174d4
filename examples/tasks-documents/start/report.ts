import { basename, relative } from 'node:path'
import { SearchIndex } from '../src/search-index/search-index.ts'
import type { EntityType } from '../src/entities/entity.ts'
import type { Output } from './output.ts'
import type { PipelineEnd } from './pipeline.ts'
import { counted, cut, seconds, type Terminal } from './terminal.ts'

export interface Report {
  readonly folder: string
  readonly output: Output
  readonly ended: PipelineEnd
  readonly milliseconds: number
}

const LABEL = 16
const TYPES: readonly (readonly [EntityType, string])[] = [
  ['person', 'People'],
  ['organisation', 'Organisations'],
  ['place', 'Places'],
  ['email', 'E-mail'],
  ['phone', 'Phones'],
  ['date', 'Dates'],
]

/** What the index holds now, and where the files are. */
export async function printReport(terminal: Terminal, report: Report): Promise<void> {
  const index = await SearchIndex.open(report.output.indexPath)
  try {
    terminal.line()
    printContent(terminal, index)
    printUnread(terminal, index, report.folder)
    printSearches(terminal, index, report)
  } finally {
    index.close()
  }
  printFiles(terminal, report)
  for (const { step, reason } of report.ended.failures) terminal.line(terminal.red(`${step} failed: ${reason}`))
  const verdict = report.ended.failures.length === 0 ? terminal.green('Done') : terminal.red('Not all of it worked')
  terminal.line(`${verdict} in ${seconds(report.milliseconds)}.`)
}

function printContent(terminal: Terminal, index: SearchIndex): void {
  const row = (label: string, values: readonly { value: string; documents: number }[]): void => {
    if (values.length === 0) return
    const text = fitting(
      values.map(({ value, documents }) => [value, String(documents)] as const),
      terminal,
    )
    terminal.line(`  ${terminal.bold(label.padEnd(LABEL))}${text}`)
  }
  const { documents, files } = index.counts()
  terminal.line(
    `${terminal.bold('What is in it')}  ${terminal.dim(`${counted(documents, 'document')} in ${counted(files, 'file')}; after each name, how many documents name it`)}`,
  )
  row('Formats', index.topValues('type', 6))
  row('Languages', index.topValues('language', 8))
  row('Classes', index.topValues('class', 10))
  for (const [type, label] of TYPES) row(label, index.topEntities(type, 8))
  row('Tags', index.topValues('tag', 12))
  terminal.line()
}

/** As many as fit on the line. */
function fitting(items: readonly (readonly [text: string, count: string])[], terminal: Terminal): string {
  let width = LABEL + 4
  const shown: string[] = []
  for (const [text, count] of items) {
    width += text.length + count.length + 4
    if (width > terminal.columns && shown.length > 0) break
    shown.push(`${text} ${terminal.dim(count)}`)
  }
  return shown.join(terminal.dim(' · '))
}

const UNREAD_SHOWN = 10

function printUnread(terminal: Terminal, index: SearchIndex, folder: string): void {
  const { failures: total } = index.counts()
  if (total === 0) return
  terminal.line(`${terminal.bold('What could not be read')}  ${terminal.dim("reported, and in nobody's way")}`)
  for (const { path, code, message } of index.failures({ limit: UNREAD_SHOWN })) {
    terminal.line(`  ${terminal.yellow(code.padEnd(LABEL))}${relative(folder, path)}  ${terminal.dim(message)}`)
  }
  if (total > UNREAD_SHOWN) terminal.line(terminal.dim(`  and ${total - UNREAD_SHOWN} more`))
  terminal.line()
}

const HITS_SHOWN = 3
/** Marks that no text holds; they become bold letters, or brackets where there is no terminal. */
const MARKS = ['\u0001', '\u0002'] as const

function printSearches(terminal: Terminal, index: SearchIndex, { ended }: Report): void {
  if (ended.queries.length === 0) return
  terminal.line(terminal.bold('Searches'))
  const room = terminal.columns - 42
  for (const query of ended.queries) {
    const total = index.count({ query })
    terminal.line(`  ${query}  ${terminal.dim(counted(total, 'hit'))}`)
    for (const { path, snippet } of index.search(
      { query },
      { limit: HITS_SHOWN, marks: MARKS, words: Math.floor(room / 8) },
    )) {
      const name = cut(basename(path), 34)
      terminal.line(`    ${terminal.dim(name.padEnd(36))}${marked(cut(snippet, room), terminal)}`)
    }
  }
  terminal.line()
}

function marked(snippet: string, terminal: Terminal): string {
  const [before, after] = MARKS
  const parts = snippet.split(before).map((part, index) => {
    const [word = '', ...rest] = index === 0 ? ['', part] : part.split(after)
    return (word === '' ? '' : terminal.isLive ? terminal.bold(word) : `[${word}]`) + rest.join('')
  })
  return parts.join('')
}

function printFiles(terminal: Terminal, { output, ended }: Report): void {
  const here = (path: string): string => {
    const near = relative(process.cwd(), path)
    return near.startsWith('..') ? path : near
  }
  terminal.line(terminal.bold('Files'))
  if (ended.csv !== undefined) terminal.line(`  ${'Hits'.padEnd(LABEL)}${here(ended.csv)}`)
  if (ended.zip !== undefined) {
    const { path, files, bytes } = ended.zip
    terminal.line(
      `  ${'Documents'.padEnd(LABEL)}${here(path)}  ${terminal.dim(`${counted(files, 'file')}, ${Math.ceil(bytes / 1000)} kB`)}`,
    )
  }
  terminal.line(`  ${'Index'.padEnd(LABEL)}${here(output.indexPath)}`)
  terminal.line()
}
