import { foldWord } from '../words.ts'

/** A document says what it is at its beginning; long ones would drown that in their subject. */
const CHARACTERS = 6000

/**
 * What a text is judged by: its words, pairs of words, and shapes (amounts, times, percentages, ...), each with a weight that
 * grows slower than its count.
 */
export function featuresOf(text: string): Map<string, number> {
  const head = text.slice(0, CHARACTERS)
  const counts = new Map<string, number>()
  const add = (feature: string): void => void counts.set(feature, (counts.get(feature) ?? 0) + 1)
  const words = (head.match(/\p{L}+/gu) ?? []).map(foldWord)
  words.forEach((word, index) => {
    if (word.length > 1) add(word)
    const next = words[index + 1]
    if (next !== undefined) add(`${word} ${next}`)
  })
  for (const [name, shape] of SHAPES) for (const _match of head.matchAll(shape)) add(name)
  for (const [feature, count] of counts) counts.set(feature, 1 + Math.log(count))
  return counts
}

const SHAPES: readonly (readonly [string, RegExp])[] = [
  ['#amount', /(?:[€$£]|\b(?:EUR|USD|GBP|CHF)) ?\d|\d[.,]\d\d\b|\d ?(?:[€$£]|EUR\b)/g],
  ['#time', /\b\d{1,2}(?::\d\d| h \d\d| h\b)/g],
  ['#percent', /\d ?%/g],
  ['#years', /\b(?:19|20)\d\d (?:to|à|-|–) (?:(?:19|20)\d\d|present|ce jour)/g],
  ['#quote', /[“”«»]|"\p{Lu}/gu],
  ['#header', /(?:^|\s)(?:From|To|Cc|De|À|Subject|Objet) ?:/g],
  ['#greeting', /(?:^|[.!\n] ?)(?:Dear|Hi|Hello|Bonjour|Madame|Monsieur|Cher|Chère)(?!\p{L})/gu],
]
