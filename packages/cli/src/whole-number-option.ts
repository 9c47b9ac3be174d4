import { ConfigInvalidError } from '@ds/core'

/** The value of an option that takes a whole number. */
export function wholeNumberOption(name: string, text: string | undefined, minimum = 1): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(value) && value >= minimum) return value
  throw new ConfigInvalidError(`${name} is ${JSON.stringify(text)}`, {
    fix: `Give a whole number of at least ${minimum}`,
  })
}
