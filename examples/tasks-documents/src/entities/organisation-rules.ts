import type { Mention } from './entity.ts'

/** A word that begins with a capital letter: `Belmar`, `O'Connor`, `Vieux-Port`, `d'Orlune`. */
const NAME = String.raw`(?:[dl]['’])?\p{Lu}[\p{L}\p{N}]*(?:['’.&-]\p{L}[\p{L}\p{N}]*)*`
const LINK = String.raw`(?:of the|of|and|&|de la|de l['’]|du|des|de|et|der|für|und)`
const LEGAL_FORM = String.raw`(?:Ltd|Limited|LLC|LLP|Inc|Corp|Corporation|plc|PLC|GmbH|AG|SE|S\.A\.|SA|SARL|S\.à r\.l\.|SAS|B\.V\.|BV|N\.V\.|NV|Oy|AB)`

const KINDS = [
  'Authority|Bank|Board|Bureau|Commission|Committee|Company|Council|Court|Department|Foundation|Fund|Institute|Ministry|Office|Society|University',
  'Association|Autorité|Banque|Cabinet|Comité|Conseil|Cour|Fondation|Institut|Mairie|Ministère|Société|Tribunal|Université',
].join('|')

const RULES: readonly RegExp[] = [
  // Belmar Dredging Ltd; Cabinet Ferrand & Associés SARL
  new RegExp(
    String.raw`(?<![\p{L}\p{N}])${NAME}(?:[ ](?:(?:&|and|et|und)[ ])?${NAME}){0,4},?[ ]${LEGAL_FORM}(?![\p{L}\p{N}])`,
    'gu',
  ),
  // Port Authority of Saint-Alban; Ministry of the Sea; World Bank
  new RegExp(
    String.raw`(?<![\p{L}\p{N}])(?:${NAME}[ ]){0,3}(?:${KINDS})(?:[ ]${LINK}[ ]?${NAME}(?:[ ]${NAME}){0,2}){0,2}(?![\p{L}\p{N}])`,
    'gu',
  ),
  // Banque du Littoral; Cabinet Ferrand & Associés; Autorité portuaire de Saint-Alban
  new RegExp(
    String.raw`(?<![\p{L}\p{N}])(?:${KINDS})(?:[ ]\p{Ll}{5,})?(?:[ ]${LINK})?[ ]?(?:[ ]?${NAME})(?:[ ](?:${LINK}[ ]?)?${NAME}){0,3}(?![\p{L}\p{N}])`,
    'gu',
  ),
]

const LEADING = /^(?:The|A|An|Le|La|Les|L['’]|[dl]['’]|Dear|To|For|From|By|At|Client|Contractor)[ ]?(?=\p{Lu})/u

/** A kind alone, with or without an article, names nothing: "the Council". */
const KIND_ALONE = new RegExp(`^(?:${KINDS})$`, 'u')

/**
 * Organisations that a statistical reader misses, above all outside English: what carries a legal form (Ltd, GmbH, SARL) or
 * begins or ends with the name of a kind (Bank, Authority, Cabinet, Université).
 */
export function organisationsByRule(text: string): Mention[] {
  return RULES.flatMap((rule) => [...text.matchAll(rule)].flatMap((match) => toMention(match[0], match.index)))
}

function toMention(found: string, index: number): Mention[] {
  const lead = LEADING.exec(found)?.[0].length ?? 0
  const value = found.slice(lead).replace(/,(?= )/, '')
  if (KIND_ALONE.test(value)) return []
  return [{ type: 'organisation', value, start: index + lead, end: index + found.length }]
}
