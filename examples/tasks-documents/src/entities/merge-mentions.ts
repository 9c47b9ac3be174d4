import { ENTITY_TYPES, type Entity, type EntityType, type Mention } from './entity.ts'

const MAX_OFFSETS = 100

interface Group {
  readonly type: EntityType
  readonly mentions: Mention[]
}

/**
 * Makes entities of mentions: the same name in other accents, case or with an article is one; "Varga" and "Tomas" join
 * "Tomas Varga" where the text has one person of that name. Ordered by type, then by first place in the text.
 */
export function mergeMentions(mentions: readonly Mention[]): Entity[] {
  const groups = new Map<string, Group>()
  for (const mention of mentions) {
    const key = `${mention.type} ${foldName(mention.value)}`
    const group = groups.get(key) ?? { type: mention.type, mentions: [] }
    group.mentions.push(mention)
    groups.set(key, group)
  }
  joinSingleNames(groups)
  return [...groups.values()].map(toEntity).sort(byTypeAndPlace)
}

/** Lower case, no accents, no article, one kind of apostrophe. */
function foldName(value: string): string {
  return value
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[’']/g, "'")
    .replace(/^(?:the|le|la|les) /, '')
    .replace(/\s+/g, ' ')
}

function joinSingleNames(groups: Map<string, Group>): void {
  const people = [...groups].filter(([, group]) => group.type === 'person')
  for (const [key, group] of people) {
    const name = foldName(group.mentions[0]!.value)
    if (name.includes(' ')) continue
    const owners = people.filter(([, other]) => isPartOf(name, foldName(other.mentions[0]!.value)))
    if (owners.length !== 1) continue
    owners[0]![1].mentions.push(...group.mentions)
    groups.delete(key)
  }
}

function isPartOf(name: string, fullName: string): boolean {
  return fullName.endsWith(` ${name}`) || fullName.startsWith(`${name} `)
}

function toEntity({ type, mentions }: Group): Entity {
  const offsets = mentions.map(({ start }) => start).sort((one, other) => one - other)
  return { type, value: bestSpelling(mentions), count: mentions.length, offsets: offsets.slice(0, MAX_OFFSETS) }
}

/** The fullest spelling; of those the one used most; of those the one that shouts least. */
function bestSpelling(mentions: readonly Mention[]): string {
  const uses = new Map<string, number>()
  for (const { value } of mentions) uses.set(tidy(value), (uses.get(tidy(value)) ?? 0) + 1)
  const spellings = [...uses].sort(
    ([one, usesOfOne], [other, usesOfOther]) =>
      words(other) - words(one) || usesOfOther - usesOfOne || capitals(one) - capitals(other),
  )
  return spellings[0]![0]
}

function tidy(value: string): string {
  return value.replace(/\s+/g, ' ')
}

function words(value: string): number {
  return value.replace(/^(?:The|the) /, '').split(' ').length
}

function capitals(value: string): number {
  return value.match(/\p{Lu}/gu)?.length ?? 0
}

function byTypeAndPlace(one: Entity, other: Entity): number {
  return ENTITY_TYPES.indexOf(one.type) - ENTITY_TYPES.indexOf(other.type) || one.offsets[0]! - other.offsets[0]!
}
