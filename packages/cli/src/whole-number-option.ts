import { ConfigInvalidError } from '@ds/core'

/** The value of an option that takes a whole number of at least 1. */
export function wholeNumberOption(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new ConfigInvalidError(`${name} is ${JSON.stringify(text)}`, { fix: 'Give a whole number of at least 1' })
}
