import { datesIn } from '../entities/dates.ts'
import { passagesOf } from '../entities/passages.ts'
import type { ReadDocument } from '../reading/document.ts'
import { amountsIn } from './amounts.ts'
import { keyValuesIn } from './key-values.ts'
import type { DatedPassage, Structure } from './structure.ts'

const MAX_ITEMS = 500

/**
 * What a document holds beside its prose: its title, dates, sums of money, labelled values and tables.
 *
 * @throws the signal's reason.
 */
export function extractStructure(document: ReadDocument, signal?: AbortSignal): Structure {
  const { title, text, tables, language } = document
  return {
    title,
    dates: datesOf(text, language, signal).slice(0, MAX_ITEMS),
    amounts: amountsIn(text).slice(0, MAX_ITEMS),
    keyValues: keyValuesIn(text),
    tables,
  }
}

function datesOf(text: string, language: string | undefined, signal: AbortSignal | undefined): DatedPassage[] {
  const dates: DatedPassage[] = []
  for (const passage of passagesOf(text)) {
    signal?.throwIfAborted()
    for (const { value, start, end } of datesIn(passage.text, language)) {
      dates.push({ date: value, text: passage.text.slice(start, end), offset: passage.start + start })
    }
  }
  return dates
}
