import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fatal, type Progress } from '@ds/core'
import { QuerySyntaxError } from '../search-index/query-syntax.ts'
import type { SearchIndex } from '../search-index/search-index.ts'
import type { Lacking, Selection } from '../search-index/selection.ts'
import type { IndexedDocument } from '../search-index/store-files.ts'

/** Which documents an analysis goes over. */
export interface Scope {
  readonly selection: Selection
  /** What the index knows the analysis by: documents it has seen are left out, unless `force`. */
  readonly analysis: Lacking
  readonly force: boolean
}

interface Surroundings {
  readonly index: SearchIndex
  readonly signal: AbortSignal
  readonly progress: Progress
}

type Each = (document: IndexedDocument, progress: (share: number) => void) => void | Promise<void>

/**
 * Calls `each` for the documents of a scope, one after the other, with progress over all of them. What was done stays done: a run
 * that was ended goes on where it stopped.
 *
 * @returns how many documents were looked at.
 * @throws Fatal for a query that cannot be understood; the signal's reason.
 */
export async function forEachDocument(
  { index, signal, progress }: Surroundings,
  scope: Scope,
  each: Each,
): Promise<number> {
  const lacking = scope.force ? undefined : scope.analysis
  const total = understood(() => index.count(scope.selection, lacking))
  let done = 0
  for (const id of index.ids(scope.selection, lacking)) {
    signal.throwIfAborted()
    const document = index.document(id)
    if (document === undefined) continue
    await each(document, (share) => progress((done + Math.min(share, 1)) / Math.max(total, done + 1)))
    done += 1
    progress(done / Math.max(total, done))
    await nextTurn()
  }
  return done
}

/** A query that cannot be understood now never will be. */
export function understood<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw asFatal(error)
  }
}

export function asFatal(error: unknown): unknown {
  if (!(error instanceof QuerySyntaxError)) return error
  return new Fatal(`The query cannot be understood: ${error.message} (at character ${error.position + 1})`, {
    cause: error,
  })
}

/** The part of the args that selects documents. */
export function selectionOf(args: Selection): Selection {
  const { query, type, language, class: documentClass, tag, folder } = args
  return { query, type, language, class: documentClass, tag, folder }
}
