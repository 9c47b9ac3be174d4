import { execFile } from 'node:child_process'
import path from 'node:path'

export const ROOT: string = path.join(import.meta.dirname, '..', '..')
/** Where the readers of the pages are. */
const SHOWN_FOLDER = '/home/you/project'
export const BIN: string = path.join(ROOT, 'packages', 'cli', 'dist', 'bin.js')

export interface Finished {
  readonly code: number
  /** Both streams in the order in which they were written, as a terminal shows them. */
  readonly output: string
}

export interface RunOptions {
  readonly cwd: string
  readonly environment?: Readonly<Record<string, string>>
}

/** Runs a command line as its reader would, with this checkout's `ds` and no settings of whoever runs the tests. */
export function runCommand(command: string, { cwd, environment = {} }: RunOptions): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...plainEnvironment(), ...environment }, timeout: 60_000 }
    execFile('sh', ['-c', `exec 2>&1\n${withOwnDs(command)}`], options, (error, stdout) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: stdout.replaceAll(cwd, SHOWN_FOLDER) }),
    )
  })
}

/** A command line with `ds` and `npx ds` as the one of this checkout. */
export function withOwnDs(command: string): string {
  return command.replaceAll(/(^|[;&|] )(npx )?ds /g, `$1'${process.execPath}' '${BIN}' `)
}

export function plainEnvironment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DS_')))
}

/** Times, random ids and where the checkout lies differ from run to run. */
export function comparable(output: string): string {
  return output
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'DATE')
    .replaceAll(/\d+(\.\d+)? ?(s|ms)\b/g, 'TIME')
    .replaceAll(/[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}/g, 'UUID')
    .replaceAll(/(?<=[\s(])\/\S*\/(?=[\w.-]+:\d+)/g, '/')
    .trim()
}

/** Whether an output is what a page shows; `...` at the end of a shown line, or for a line, stands for anything. */
export function matches(output: string, shown: string): boolean {
  const parts = comparable(shown).split(/\.\.\.$/m)
  const pattern = parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[^]*')
  return new RegExp(`^${pattern}$`).test(comparable(output))
}
