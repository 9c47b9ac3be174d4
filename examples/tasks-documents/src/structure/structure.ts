import type { Table } from '../reading/document.ts'

export interface Amount {
  /** Exact, with a point: "12400.50". */
  readonly value: string
  /** ISO 4217. */
  readonly currency: string
  /** As the document writes it. */
  readonly text: string
  readonly offset: number
}

export interface DatedPassage {
  /** ISO 8601: a day, or a month where the document names no day. */
  readonly date: string
  readonly text: string
  readonly offset: number
}

export interface KeyValue {
  readonly key: string
  readonly value: string
}

/** What a document holds beside its prose. */
export interface Structure {
  readonly title: string
  readonly dates: readonly DatedPassage[]
  readonly amounts: readonly Amount[]
  readonly keyValues: readonly KeyValue[]
  readonly tables: readonly Table[]
}
