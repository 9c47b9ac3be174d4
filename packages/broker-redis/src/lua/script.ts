import { createHash } from 'node:crypto'

/** A script as the server knows it: by the hash of its text. `KEYS[1]` is the prefix of the namespace, from which it derives all keys. */
export interface Script {
  readonly name: string
  readonly source: string
  readonly sha: string
}

/** Puts a script together from the fragments it needs and its own lines. */
export function script(name: string, ...parts: readonly string[]): Script {
  const source = [`-- ${name}`, ...parts.map((part) => part.trim())].join('\n')
  return { name, source, sha: createHash('sha1').update(source).digest('hex') }
}
