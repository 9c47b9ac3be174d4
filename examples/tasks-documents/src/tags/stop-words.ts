import * as lists from 'stopword'
import { foldWord } from '../words.ts'

const BY_LANGUAGE: Readonly<Record<string, readonly string[]>> = {
  da: lists.dan,
  de: lists.deu,
  en: lists.eng,
  es: lists.spa,
  fi: lists.fin,
  fr: lists.fra,
  it: lists.ita,
  nl: lists.nld,
  no: lists.nob,
  pl: lists.pol,
  pt: lists.por,
  ro: lists.ron,
  ru: lists.rus,
  sv: lists.swe,
  tr: lists.tur,
}

const cache = new Map<string, ReadonlySet<string>>()

/** Words that say nothing about a document, folded; those of English where the language is not known. */
export function stopWordsOf(language: string | undefined): ReadonlySet<string> {
  const code = language !== undefined && language in BY_LANGUAGE ? language : 'en'
  const known = cache.get(code)
  if (known !== undefined) return known
  const words = new Set([...(BY_LANGUAGE[code] ?? []), ...ALWAYS].map(foldWord))
  cache.set(code, words)
  return words
}

/** Titles, months, units and the heads of e-mails: frequent, and no subject. */
const ALWAYS = (
  'mr mrs ms dr mme mlle dear regards sincerely cordialement madame monsieur january february march april may june july august ' +
  'september october november december janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre ' +
  'monday tuesday wednesday thursday friday saturday sunday eur usd gbp chf vat tva nbsp http https www com org from subject tel ' +
  'shall its whose does not kind regards best note attached part two three one per each cent please during present client date due total per'
).split(' ')
