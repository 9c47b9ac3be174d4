import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { ConfigInvalidError, InvalidArgumentsError } from '@ds/core'

/**
 * The args of a task as typed on the command line: JSON, `@FILE` for the JSON in a file, `-` for that on stdin. None is `{}`.
 * @throws InvalidArgumentsError for what is no JSON, ConfigInvalidError for a file that cannot be read.
 */
export async function readArgs(typed: string | undefined): Promise<unknown> {
  if (typed === undefined) return {}
  if (typed === '-') return parse(await text(process.stdin), 'on stdin')
  return typed.startsWith('@')
    ? parse(await readArgsFile(typed.slice(1)), `in ${typed.slice(1)}`)
    : parse(typed, 'given')
}

async function readArgsFile(file: string): Promise<string> {
  try {
    // Takes a byte order mark away, as some editors write one.
    return new TextDecoder().decode(await readFile(file))
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new ConfigInvalidError(`The args file ${file} cannot be read (${why})`, {
      fix: 'Check the path behind @',
      cause: error,
    })
  }
}

function parse(json: string, where: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new InvalidArgumentsError(`The args ${where} are not JSON: ${why}`, [{ path: '', message: why }], {
      fix: `Quote them for the shell, as in '{"greeted":"world"}', or use @file.json`,
    })
  }
}
