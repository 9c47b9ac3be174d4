import type { Example } from '../naive-bayes.ts'
import { ARTICLES } from './articles.ts'
import { CONTRACTS } from './contracts.ts'
import { INVOICES } from './invoices.ts'
import { LETTERS } from './letters.ts'
import { MINUTES } from './minutes.ts'
import { REPORTS } from './reports.ts'
import { VITAE } from './vitae.ts'

const BY_CLASS = {
  contract: CONTRACTS,
  invoice: INVOICES,
  correspondence: LETTERS,
  report: REPORTS,
  minutes: MINUTES,
  cv: VITAE,
  article: ARTICLES,
}

/** What the classifier learns from when no other examples are given: seven classes, in English and French. */
export const BUILT_IN_EXAMPLES: readonly Example[] = Object.entries(BY_CLASS).flatMap(([name, texts]) =>
  texts.map((text) => ({ class: name, text })),
)
