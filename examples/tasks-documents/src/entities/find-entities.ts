import { setImmediate as nextTurn } from 'node:timers/promises'
import { emailsIn, phonesIn } from './contacts.ts'
import { datesIn } from './dates.ts'
import type { Entity, Mention } from './entity.ts'
import { mergeMentions } from './merge-mentions.ts'
import { namesIn } from './names.ts'
import { organisationsByRule } from './organisation-rules.ts'
import { passagesOf, type Passage } from './passages.ts'

export interface FindEntitiesOptions {
  readonly signal?: AbortSignal | undefined
  /** ISO 639-1: which words are months, which names are looked for. */
  readonly language?: string | undefined
  /** ISO 3166 country whose phone numbers may stand without a country code. */
  readonly country?: string | undefined
  /** Share of the text that was read, 0 to 1. */
  readonly onProgress?: ((share: number) => void) | undefined
}

/**
 * People, organisations, places, e-mail addresses, phone numbers and dates that a text names, each once with all its
 * mentions. Lets other work go on between passages.
 *
 * @throws the signal's reason.
 */
export async function findEntities(text: string, options: FindEntitiesOptions = {}): Promise<Entity[]> {
  const mentions: Mention[] = []
  let sinceTurn = 0
  for (const passage of passagesOf(text)) {
    options.signal?.throwIfAborted()
    mentions.push(...mentionsIn(passage, options))
    sinceTurn += passage.text.length
    if (sinceTurn < 2000) continue
    sinceTurn = 0
    options.onProgress?.((passage.start + passage.text.length) / text.length)
    await nextTurn()
  }
  return mergeMentions(mentions)
}

/** What is certain comes first: an address or a date is no name, a company with its legal form is no person. */
function mentionsIn(passage: Passage, options: FindEntitiesOptions): Mention[] {
  const { text, start } = passage
  const byCertainty = [
    emailsIn(text),
    datesIn(text, options.language),
    phonesIn(text, options.country),
    organisationsByRule(text),
    namesIn(text, options.language),
  ]
  const kept: Mention[] = []
  for (const mentions of byCertainty) {
    const free = longestFirst(mentions).filter((mention) => mention.value !== '' && !overlapsOther(kept, mention))
    for (const mention of free) if (!overlapsOther(kept, mention)) kept.push(mention)
  }
  return kept.map((mention) => ({ ...mention, start: mention.start + start, end: mention.end + start }))
}

function longestFirst(mentions: readonly Mention[]): Mention[] {
  return mentions.toSorted((one, other) => other.end - other.start - (one.end - one.start) || one.start - other.start)
}

/** The two ends of "5 to 9 July 2024" stand at one place and are two dates. */
function overlapsOther(kept: readonly Mention[], mention: Mention): boolean {
  return kept.some(
    (other) =>
      mention.start < other.end &&
      other.start < mention.end &&
      !(
        mention.type === 'date' &&
        other.type === 'date' &&
        mention.value !== other.value &&
        mention.start === other.start
      ),
  )
}
