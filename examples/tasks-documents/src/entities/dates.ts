import * as chrono from 'chrono-node'
import type { Mention } from './entity.ts'

type Parse = (text: string) => chrono.ParsedResult[]

const dayFirst: Parse = (text) => chrono.en.GB.parse(text)
const PARSERS: Readonly<Record<string, Parse>> = {
  de: (text) => chrono.de.parse(text),
  es: (text) => chrono.es.parse(text),
  fr: (text) => chrono.fr.parse(text),
  it: (text) => chrono.it.parse(text),
  ja: (text) => chrono.ja.parse(text),
  nl: (text) => chrono.nl.parse(text),
  pt: (text) => chrono.pt.parse(text),
  ru: (text) => chrono.ru.parse(text),
  uk: (text) => chrono.uk.parse(text),
  zh: (text) => chrono.zh.parse(text),
}

/**
 * Dates that name their year, as ISO 8601: a day (`2024-03-12`), or a month (`2024-03`) where no day is named. "Tomorrow" and
 * "5 May" depend on when they were written and are left out. 03/04/2024 is read as the third of April.
 */
export function datesIn(text: string, language: string | undefined): Mention[] {
  if (!/\d/.test(text)) return []
  const parse = PARSERS[language ?? 'en'] ?? dayFirst
  return parse(text).flatMap((result) => [
    ...toMention(result, result.start),
    ...(result.end === undefined || result.end === null ? [] : toMention(result, result.end)),
  ])
}

function toMention(result: chrono.ParsedResult, components: chrono.ParsedComponents): Mention[] {
  const value = isoOf(components)
  const lead = /^(?:on|in|at|le|la|am|el|il|du|of|from|since|by|until|,|\s)+ /i.exec(result.text)?.[0].length ?? 0
  const mention = { type: 'date' as const, start: result.index + lead, end: result.index + result.text.length }
  return value === undefined || !namesYear(result.text, components) ? [] : [{ ...mention, value }]
}

function isoOf(components: chrono.ParsedComponents): string | undefined {
  if (!components.isCertain('year') || !components.isCertain('month')) return undefined
  const year = String(components.get('year')).padStart(4, '0')
  const month = `${year}-${twoDigits(components.get('month'))}`
  return components.isCertain('day') ? `${month}-${twoDigits(components.get('day'))}` : month
}

function twoDigits(value: number | null): string {
  return String(value).padStart(2, '0')
}

/** "Tomorrow" is certain of its year too, yet does not say it. */
function namesYear(text: string, components: chrono.ParsedComponents): boolean {
  const year = components.get('year')
  if (year === null || year < 1000 || year > 9999) return false
  return text.includes(String(year)) || new RegExp(`\\d[./-]\\d{1,2}[./-]${String(year).slice(2)}(?!\\d)`).test(text)
}
