import nlp from 'compromise'
import type { Mention } from './entity.ts'

const TITLE = String.raw`(?:(?:Mrs|Ms|Mr|Dr|Prof|Mme|Mlle|Maître|Sir|Herr|Frau|Sra|Sr)\.?|M\.|Me)`
const NAME = String.raw`\p{Lu}[\p{L}'’-]+`
const TITLED_PERSON = new RegExp(String.raw`(?<![\p{L}\p{N}])${TITLE} (?:${NAME} ){0,2}${NAME}`, 'gu')
const LEADING_TITLE = new RegExp(`^${TITLE} `, 'u')
/** Name particles may be in lower case; all else in a name begins with a capital. */
const PERSON = /^\p{Lu}[\p{L}'’.-]*(?: (?:de|da|di|du|la|le|van|von|der|den|bin|al|el)| \p{Lu}[\p{L}'’.-]*){0,4}$/u
const PLACE = /^\p{Lu}[\p{L}'’.-]*(?: (?:de|du|la|le|les|of|the|upon|sur|am)| \p{Lu}[\p{L}'’.-]*){0,4}$/u
const PLACE_WORD = /^(?:Saint|Sainte|St|San|Santa|São|Port|Mount|Mont|Lake|Lac|Rue|Quai|Avenue|Cape)[-. ]/u
/** Months and days are names of people to some readers. */
const NO_NAME =
  /^(?:January|February|March|April|May|June|July|August|September|October|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)\b/u

/** People, organisations and places in one passage, with positions in that passage. Made for English, of some use elsewhere. */
export function namesIn(text: string, language: string | undefined): Mention[] {
  const document = nlp(text)
  const people = found(document.people(), 'person').flatMap((mention) => checkedPerson(mention, language))
  const places = found(document.places(), 'place').flatMap(checkedPlace)
  const isEnglish = language === undefined || language === 'en'
  const organisations = isEnglish ? found(document.organizations(), 'organisation').filter(isName) : []
  return [...titledPeople(text), ...saints(text), ...people, ...places, ...organisations]
}

/** "Mr. Varga", "Mme Lucie Moreau": a title announces a name in any language. The title is no part of it. */
function titledPeople(text: string): Mention[] {
  return [...text.matchAll(TITLED_PERSON)].map((match) =>
    withoutTitle(
      trimmed({
        type: 'person',
        value: match[0],
        start: match.index,
        end: match.index + match[0].length,
      }),
    ),
  )
}

interface View {
  json(options: { offset: true }): unknown
}

interface FoundName {
  readonly text: string
  readonly offset: { readonly start: number; readonly length: number }
}

function found(view: View, type: Mention['type']): Mention[] {
  const names = view.json({ offset: true }) as FoundName[]
  return names.map(({ text, offset }) =>
    trimmed({ type, value: text, start: offset.start, end: offset.start + offset.length }),
  )
}

/** Takes off what surrounds a name: quotes, a comma, the possessive. */
function trimmed(mention: Mention): Mention {
  const lead = /^[^\p{L}\p{N}]+/u.exec(mention.value)?.[0].length ?? 0
  const value = mention.value
    .slice(lead)
    .replace(/[^\p{L}\p{N}]+$/u, '')
    .replace(/['’]s$/, '')
  const start = mention.start + lead
  return { type: mention.type, value, start, end: start + value.length }
}

function withoutTitle(mention: Mention): Mention {
  const title = LEADING_TITLE.exec(mention.value)?.[0].length ?? 0
  return { ...mention, value: mention.value.slice(title), start: mention.start + title }
}

/** Every word of it begins with a capital, but for the small ones: "Project management" names nothing. */
function isName({ value }: Mention): boolean {
  return value.length > 1 && value.split(' ').every((word) => /^\p{Lu}/u.test(word) || SMALL_WORDS.has(word))
}

const SMALL_WORDS = new Set(['of', 'the', 'and', 'for', 'de', 'du', '&'])

/** Towns named after saints carry a hyphen in the languages that have most of them. */
function saints(text: string): Mention[] {
  return [...text.matchAll(/(?<![\p{L}\p{N}])(?:Saint|Sainte|Sankt)-\p{Lu}[\p{L}-]+/gu)].map((match) => ({
    type: 'place',
    value: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function checkedPerson(mention: Mention, language: string | undefined): Mention[] {
  const person = withoutTitle(mention)
  if (PLACE_WORD.test(person.value)) return [{ ...person, type: 'place' }]
  if (!PERSON.test(person.value) || NO_NAME.test(person.value)) return []
  const isEnglish = language === undefined || language === 'en'
  return isEnglish || beginsWithFirstName(person.value) ? [person] : []
}

/** "Helen Marsh" ends like a place and begins like a person. */
function checkedPlace(mention: Mention): Mention[] {
  if (!PLACE.test(mention.value) || /^\p{Lu}{1,2}$/u.test(mention.value)) return []
  const bare = withoutTitle(mention)
  if (bare !== mention && bare.value !== mention.value) return [{ ...bare, type: 'person' }]
  return [beginsWithFirstName(mention.value) ? { ...mention, type: 'person' } : mention]
}

const firstNames = new Map<string, boolean>()

function beginsWithFirstName(name: string): boolean {
  const [first, second] = name.split(' ')
  if (first === undefined || second === undefined) return false
  const known = firstNames.get(first)
  if (known !== undefined) return known
  if (firstNames.size > 10_000) firstNames.clear()
  const isFirstName = nlp(first).has('#FirstName')
  firstNames.set(first, isFirstName)
  return isFirstName
}
