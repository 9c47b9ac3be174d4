import { defineTask } from '@ds/core'
import { ANALYSIS_VERSIONS } from '../analysis-versions.ts'
import { forEachDocument, selectionOf } from './analyse.ts'
import { searchIndex } from './dependencies.ts'
import { extractStructureArgs, extractStructureResult } from './schemas.ts'

/** Titles, dates, sums of money, labelled values and tables of the indexed documents. */
export const extractStructureTask = defineTask(
  'extract_structure',
  {
    description:
      'Takes titles, dates, amounts with currencies, labelled values and tables out of the indexed documents',
    args: extractStructureArgs,
    result: extractStructureResult,
    group: 'cpu',
    isolation: 'thread',
    maxRetries: 2,
    dependencies: [searchIndex],
  },
  async ({ force, ...args }, { signal, progress, dependencies: { index } }) => {
    const version = ANALYSIS_VERSIONS.structure
    const totals = { dates: 0, amounts: 0, keyValues: 0, tables: 0 }
    const scope = { selection: selectionOf(args), analysis: { kind: 'structure', version }, force }
    const documents = await forEachDocument({ index, signal, progress }, scope, async (document) => {
      const { extractStructure } = await import('../structure/extract-structure.ts')
      const structure = extractStructure(document, signal)
      index.putFinding(document.id, { kind: 'structure', version, structure })
      totals.dates += structure.dates.length
      totals.amounts += structure.amounts.length
      totals.keyValues += structure.keyValues.length
      totals.tables += structure.tables.length
    })
    return { documents, ...totals }
  },
)
