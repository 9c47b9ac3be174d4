import { detectAll } from 'tinyld'

const SAMPLE_CHARACTERS = 4000
const MIN_CHARACTERS = 24
/** How far the first guess must be ahead of the second. Lists of names and figures look like any language. */
const MIN_LEAD = 1.5

/** Languages in use in documents; without the list, an invoice may come out as Esperanto. */
const LANGUAGES = (
  'ar az be bg bn ca cs da de el en es et eu fa fi fr ga gu he hi hr hu hy id is it ja ka kk km kn ko lt lv mk mr ms my ' +
  'ne nl no pl pt ro ru sk sl sq sr sv ta te th tl tr uk ur vi zh'
).split(' ')

/** The language of a text as ISO 639-1; undefined when the text does not tell. */
export function languageOf(text: string): string | undefined {
  const words = text.slice(0, SAMPLE_CHARACTERS).replace(/\S*[\d@]\S*/g, ' ')
  if (words.trim().length < MIN_CHARACTERS) return undefined
  const [first, second] = detectAll(words, { only: LANGUAGES })
  if (first === undefined || first.accuracy < (second?.accuracy ?? 0) * MIN_LEAD) return undefined
  return first.lang
}
