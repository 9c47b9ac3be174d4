import { createHash } from 'node:crypto'
import { extname, relative, sep } from 'node:path'
import type { ReadDocument } from '../reading/document.ts'
import { loadFile } from '../reading/load-file.ts'
import { readDocument } from '../reading/read-document.ts'
import { scanFolder } from '../scan.ts'
import { BUILT_IN_EXAMPLES } from './examples/index.ts'
import { classify, trainClassifier, type Classification, type Classifier, type Example } from './naive-bayes.ts'

/** Below this confidence a document is `other`: it is unlike every example. */
const UNSURE = 0.35
const METHOD_VERSION = 1

/** Classifies documents; its version tells what it learnt from, so that documents are looked at again after a change. */
export interface DocumentClassifier {
  readonly version: string
  readonly classes: readonly string[]
  classify(document: Pick<ReadDocument, 'title' | 'text'>): Classification
}

/** Learns from these examples; from those of this package when none are given. */
export function createDocumentClassifier(examples: readonly Example[] = BUILT_IN_EXAMPLES): DocumentClassifier {
  const classifier = trainClassifier(examples)
  const digest = createHash('sha256').update(JSON.stringify(examples)).digest('hex').slice(0, 12)
  return {
    version: `${METHOD_VERSION}-${digest}`,
    classes: classifier.classes,
    classify: (document) => classifyDocument(classifier, document),
  }
}

function classifyDocument(classifier: Classifier, document: Pick<ReadDocument, 'title' | 'text'>): Classification {
  const [best] = classify(classifier, `${document.title}\n${document.text}`)
  if (best === undefined || best.confidence < UNSURE) return { class: 'other', confidence: best?.confidence ?? 0 }
  return best
}

const MAX_BYTES = 16_000_000

/**
 * Reads examples from a folder that has one folder per class: `contracts/a.pdf` is an example of `contracts`. Files that cannot
 * be read, or lie in no class, are passed over.
 *
 * @throws RangeError when fewer than two classes are found; the signal's reason.
 */
export async function examplesFromFolder(folder: string, signal?: AbortSignal): Promise<Example[]> {
  const examples: Example[] = []
  for await (const entry of scanFolder(folder, { signal })) {
    const [name, ...rest] = entry.kind === 'file' ? relative(folder, entry.path).split(sep) : []
    if (entry.kind !== 'file' || name === undefined || rest.length === 0 || extname(name) !== '') continue
    const text = await exampleText(entry.path, signal)
    if (text !== undefined) examples.push({ class: name, text })
  }
  const classes = new Set(examples.map((example) => example.class)).size
  if (classes < 2)
    throw new RangeError(`${folder} has examples of ${classes} classes: at least two folders of documents are needed`)
  return examples.sort((one, other) => one.class.localeCompare(other.class) || one.text.localeCompare(other.text))
}

async function exampleText(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  const file = await loadFile(path, { maxBytes: MAX_BYTES, signal }).catch(() => undefined)
  signal?.throwIfAborted()
  if (file === undefined) return undefined
  const { documents } = await readDocument(path, file.bytes, { maxCharacters: 20_000, signal })
  const [document] = documents
  return document === undefined ? undefined : `${document.title}\n${document.text}`
}
