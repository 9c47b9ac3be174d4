import { randomUUID } from 'node:crypto'
import { connect, redactUrl, type TaskManager, type TasksOf } from '@ds/core'
import { documents } from '../src/app.ts'
import { SearchIndex } from '../src/search-index/search-index.ts'
import type { Output } from './output.ts'
import { ProgressBoard } from './progress-board.ts'
import { counted, type Terminal } from './terminal.ts'
import { startWorker } from './worker.ts'

type Manager = TaskManager<TasksOf<typeof documents>>

export interface Pipeline {
  readonly folder: string
  readonly output: Output
  readonly terminal: Terminal
  readonly isSamples: boolean
}

/** A step that did not end well. */
export interface StepFailure {
  readonly step: string
  readonly reason: string
}

export interface PipelineEnd {
  readonly failures: StepFailure[]
  readonly queries: readonly string[]
  readonly csv?: string | undefined
  readonly zip?: { readonly path: string; readonly files: number; readonly bytes: number } | undefined
}

const SAMPLE_QUERIES = ['"Orlune Holdings"', 'survey volume', 'dragage OR dredging', 'facture*', 'payment* -invoice*']

/** Runs all steps, with a worker of their own and bars to watch. */
export async function runPipeline(pipeline: Pipeline): Promise<PipelineEnd> {
  const { output, terminal } = pipeline
  const brokerUrl = process.env['DS_BROKER_URL'] ?? 'memory:'
  process.env['DS_DOCUMENTS_INDEX'] = output.indexPath
  process.env['DS_DOCUMENTS_OUTPUT'] = output.folder
  process.env['DS_NAMESPACE'] = output.namespace
  const manager = await connect<typeof documents>({ app: documents, broker: brokerUrl })
  const worker = await startWorker(brokerUrl, output.folder)
  const board = new ProgressBoard(terminal)
  const stopListening = cancelOnSignal(board)
  terminal.line(`${terminal.bold('Documents')} in ${pipeline.folder}`)
  terminal.line(terminal.dim(`broker ${redactUrl(brokerUrl)}, ${worker.description}`))
  terminal.line()
  try {
    return await Promise.race([runSteps(manager, board, pipeline), worker.ended])
  } finally {
    stopListening()
    board.rest()
    await manager.close()
    await worker.stop()
  }
}

/** Ctrl-C cancels the tasks, and the steps end as cancelled; a second one ends at once. */
function cancelOnSignal(board: ProgressBoard): () => void {
  let signals = 0
  const listener = (): void => {
    signals += 1
    if (signals > 1) process.exit(130)
    void board.cancel()
  }
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, listener)
  return () => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, listener)
  }
}

async function runSteps(manager: Manager, board: ProgressBoard, pipeline: Pipeline): Promise<PipelineEnd> {
  const failures: StepFailure[] = []
  const note = (step: string, reason: string | undefined): void => {
    if (reason !== undefined) failures.push({ step, reason })
  }
  await read(manager, pipeline, { board, note })
  if (failures.length > 0) return { failures, queries: [] }
  await analyse(manager, { board, note })
  await translate(manager, { board, note })
  const queries = pipeline.isSamples ? SAMPLE_QUERIES : await queriesFor(pipeline.output)
  const exported = queries.length === 0 ? {} : await exportAll(manager, queries, { board, note })
  return { failures, queries, ...exported }
}

interface Watching {
  readonly board: ProgressBoard
  readonly note: (step: string, reason: string | undefined) => void
}

async function read(manager: Manager, { folder }: Pipeline, { board, note }: Watching): Promise<void> {
  const task = await manager.create('index_documents', { folder, batchSize: 10 })
  const { error } = await board.follow('Read and index', task, ({ files, added, replaced, unchanged, failed }) => {
    const parts = [
      `${added} new`,
      replaced > 0 && `${replaced} changed`,
      unchanged > 0 && `${unchanged} unchanged`,
      failed > 0 && `${failed} not read`,
    ]
    return `${counted(files, 'file')}: ${parts.filter(Boolean).join(', ')}`
  })
  board.rest()
  note('Read and index', error)
}

/** The four look at the same documents and do not wait for each other. */
async function analyse(manager: Manager, { board, note }: Watching): Promise<void> {
  const [entities, classes, structure, tags] = await manager.create([
    { name: 'find_entities', args: {} },
    { name: 'classify_documents', args: {} },
    { name: 'extract_structure', args: {} },
    { name: 'tag_documents', args: {} },
  ])
  const of = (documents: number): string => (documents === 0 ? 'nothing new' : `in ${counted(documents, 'document')}`)
  const outcomes = await Promise.all([
    board.follow('Find entities', entities, (result) =>
      result.documents === 0
        ? of(0)
        : `${Object.values(result.entities).reduce((sum, count) => sum + count, 0)} ${of(result.documents)}`,
    ),
    board.follow('Classify', classes, (result) =>
      result.documents === 0
        ? of(0)
        : `${counted(Object.keys(result.classes).length, 'class')} ${of(result.documents)}`,
    ),
    board.follow('Extract structure', structure, (result) =>
      result.documents === 0 ? of(0) : `${counted(result.amounts, 'amount')}, ${counted(result.tables, 'table')}`,
    ),
    board.follow('Tag', tags, (result) =>
      result.documents === 0 ? of(0) : `${counted(result.tags, 'tag')} ${of(result.documents)}`,
    ),
  ])
  board.rest()
  const steps = ['Find entities', 'Classify', 'Extract structure', 'Tag']
  outcomes.forEach(({ error }, index) => note(steps[index]!, error))
}

async function translate(manager: Manager, { board, note }: Watching): Promise<void> {
  if (!process.env['DS_DOCUMENTS_TRANSLATE_URL']) {
    board.tell('Translate', 'left out: DS_DOCUMENTS_TRANSLATE_URL names no LibreTranslate service')
    return
  }
  const task = await manager.create('translate_documents', { target: 'en' })
  const { error } = await board.follow(
    'Translate',
    task,
    ({ translated }) => `${counted(translated, 'document')} to English`,
  )
  board.rest()
  note('Translate', error)
}

/** In a folder we do not know, its most named people and organisations are worth a search. */
async function queriesFor(output: Output): Promise<string[]> {
  const index = await SearchIndex.open(output.indexPath)
  const names = [...index.topEntities('person', 2), ...index.topEntities('organisation', 2)].map(({ value }) => value)
  const tags = index.topValues('tag', 4).map(({ value }) => value)
  index.close()
  const known = new Set(names.map((name) => name.toLowerCase()))
  const words = [...names, ...tags.filter((tag) => !known.has(tag))].slice(0, 5)
  return words.map((text) => `"${text.replaceAll('"', ' ')}"`)
}

async function exportAll(
  manager: Manager,
  queries: readonly string[],
  { board, note }: Watching,
): Promise<Pick<PipelineEnd, 'csv' | 'zip'>> {
  // Their files are named after them.
  const run = randomUUID().slice(0, 8)
  const [search, download] = await manager.create([
    { name: 'batch_search', args: { queries: [...queries] }, id: `hits-${run}` },
    { name: 'batch_download', args: { query: queries[0]! }, id: `documents-${run}` },
  ])
  const [found, packed] = await Promise.all([
    board.follow(
      'Search',
      search,
      (result) => `${counted(result.queries, 'query').replace('querys', 'queries')}, ${counted(result.hits, 'hit')}`,
    ),
    board.follow('Download', download, (result) => `${counted(result.files, 'file')} that match ${queries[0]}`),
  ])
  board.rest()
  note('Search', found.error)
  note('Download', packed.error)
  const { zip, files = 0, bytes = 0 } = packed.result ?? {}
  return { csv: found.result?.csv, zip: zip === undefined ? undefined : { path: zip, files, bytes } }
}
