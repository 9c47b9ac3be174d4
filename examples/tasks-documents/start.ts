/**
 * The main job on real documents: `npm start [-- FOLDER]`. Reads a folder (the samples, if none is given) into a search index, finds
 * what is in it, and writes hits and documents to files. Every step is a task on the broker of `DS_BROKER_URL`, else in memory.
 */
import { basename, resolve } from 'node:path'
import { stat } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { chooseOutput } from './start/output.ts'
import { runPipeline } from './start/pipeline.ts'
import { printReport } from './start/report.ts'
import { terminalOf } from './start/terminal.ts'

const SAMPLES = resolve(import.meta.dirname, 'samples')
const USAGE =
  'Usage: npm start [-- FOLDER]   indexes the documents in FOLDER, or the samples, and shows what is in them'

async function main(words: readonly string[]): Promise<number> {
  const started = performance.now()
  const folder = await folderFrom(words)
  const terminal = terminalOf(process.stdout)
  if (folder === undefined) {
    console.log(USAGE)
    return 0
  }
  const output = await chooseOutput(process.cwd(), folder)
  const ended = await runPipeline({ folder, output, terminal, isSamples: folder === SAMPLES })
  await printReport(terminal, { folder, output, ended, milliseconds: performance.now() - started })
  return ended.failures.length === 0 ? 0 : 1
}

/** The folder to read; undefined when help was asked for. */
async function folderFrom(words: readonly string[]): Promise<string | undefined> {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  if (values.help === true) return undefined
  if (positionals.length > 1) throw new Error(`One folder at a time: got ${positionals.join(', ')}`)
  const folder = resolve(positionals[0] ?? SAMPLES)
  const status = await stat(folder).catch(() => undefined)
  if (status === undefined) throw new Error(`There is no folder ${folder}`)
  if (!status.isDirectory()) throw new Error(`${folder} is a file: give the folder that holds it`)
  return folder
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  console.error(`${basename(import.meta.filename, '.ts')}: ${message.split('\n', 1)[0]}`)
  process.exitCode = 1
}
