import { defineTask } from '@ds/core'
import { forEachDocument, selectionOf } from './analyse.ts'
import { documentClassifier, searchIndex } from './dependencies.ts'
import { classifyArgs, classifyResult } from './schemas.ts'

/** Says of each document what it is: contract, invoice, minutes, ... */
export const classifyDocumentsTask = defineTask(
  'classify_documents',
  {
    description:
      'Says of each indexed document what it is: contract, invoice, correspondence, report, minutes, cv, article',
    args: classifyArgs,
    result: classifyResult,
    group: 'cpu',
    maxRetries: 2,
    dependencies: [searchIndex, documentClassifier],
  },
  async ({ force, ...args }, { signal, progress, dependencies: { index, classifier } }) => {
    const classes: Record<string, number> = {}
    const analysis = { kind: 'class', version: classifier.version }
    const scope = { selection: selectionOf(args), analysis, force }
    const documents = await forEachDocument({ index, signal, progress }, scope, (document) => {
      const found = classifier.classify(document)
      index.putFinding(document.id, { kind: 'class', version: analysis.version, ...found })
      classes[found.class] = (classes[found.class] ?? 0) + 1
    })
    return { documents, classes }
  },
)
