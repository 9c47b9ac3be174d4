export const ENTITY_TYPES = ['person', 'organisation', 'place', 'email', 'phone', 'date'] as const
export type EntityType = (typeof ENTITY_TYPES)[number]

/** Something that a document names, all its mentions together. */
export interface Entity {
  readonly type: EntityType
  /** As it is best written: the fullest name, an address in lower case, a phone number as E.164, a date as ISO 8601. */
  readonly value: string
  /** How often the document names it. */
  readonly count: number
  /** Where: positions in the text in UTF-16 units, in order; at most the first 100. */
  readonly offsets: readonly number[]
}

/** One place in a text. */
export interface Mention {
  readonly type: EntityType
  readonly value: string
  readonly start: number
  readonly end: number
}
