import { didYouMean } from './did-you-mean.ts'
import { ConfigInvalidError } from './errors.ts'

/**
 * Checks that an object of options has no others than those that are known. `source` says in messages what it is.
 * @throws ConfigInvalidError that names what was probably meant.
 */
export function checkKeys(options: object, known: readonly string[], source: string): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) throw unknownKey(unknown, known, { path: unknown, source })
}

/** What is said of a key that is not known. `path` is where it stands in `source`. */
export function unknownKey(
  key: string,
  known: readonly string[],
  { path, source }: { readonly path: string; readonly source: string },
): ConfigInvalidError {
  const meant = didYouMean(key, known)
  const hint = meant === undefined ? '' : `Did you mean ${meant}? `
  return new ConfigInvalidError(`Unknown key ${path} in ${source}`, { fix: `${hint}Known are: ${known.join(', ')}` })
}
