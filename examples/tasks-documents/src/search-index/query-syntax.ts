const MAX_LENGTH = 2000
/** Of parentheses. The parser of the index has a stack of 100 places. */
const MAX_DEPTH = 20

/**
 * What a person types into a search box, translated to an FTS5 expression.
 *
 * Words stand side by side (all must match); `OR`, `AND`, `NOT` in capitals, `-word`, parentheses, "exact phrases", `word*`
 * for a beginning, and `title:`, `name:` or `text:` before a word or a phrase. Punctuation inside a word, as in an address, is fine.
 */
export function parseQuery(query: string): string {
  if (query.length > MAX_LENGTH) throw new QuerySyntaxError(`Longer than ${MAX_LENGTH} characters`, MAX_LENGTH)
  const parser: Parser = { tokens: tokensOf(query), next: 0, depth: 0, end: query.length }
  const expression = parseAlternatives(parser)
  const rest = parser.tokens[parser.next]
  if (rest !== undefined) throw new QuerySyntaxError('A closing parenthesis without its opening one', rest.position)
  return expression
}

/** A query that cannot be understood. `position` counts characters from 0. */
export class QuerySyntaxError extends Error {
  readonly position: number

  constructor(message: string, position: number) {
    super(message)
    this.name = 'QuerySyntaxError'
    this.position = position
  }
}

type Token =
  | { readonly kind: '(' | ')' | 'AND' | 'OR' | 'NOT'; readonly position: number }
  | { readonly kind: 'term'; readonly expression: string; readonly position: number }

interface Parser {
  readonly tokens: readonly Token[]
  next: number
  depth: number
  readonly end: number
}

const FIELD = '(?:(?<field>title|name|text):)?'
const TOKEN = new RegExp(
  `\\s*(?:(?<mark>[()])|(?<minus>-)(?=[^\\s)])|${FIELD}(?:"(?<phrase>[^"]*)(?<close>"?)|(?<word>[^\\s()"]+))(?<star>\\*?))`,
  'yu',
)

function tokensOf(query: string): Token[] {
  const tokens: Token[] = []
  const pattern = new RegExp(TOKEN)
  const trimmed = query.replaceAll('\0', ' ').trimEnd()
  for (let match = pattern.exec(trimmed); match !== null; match = pattern.exec(trimmed)) {
    const groups = match.groups ?? {}
    const position = match.index + match[0].length - match[0].trimStart().length
    const token = tokenOf(groups, position)
    if (token !== undefined) tokens.push(token)
    if (pattern.lastIndex === trimmed.length) break
  }
  return tokens
}

function tokenOf(groups: Record<string, string | undefined>, position: number): Token | undefined {
  const { mark, minus, word, phrase, close, field } = groups
  if (mark === '(' || mark === ')') return { kind: mark, position }
  if (minus !== undefined) return { kind: 'NOT', position }
  if (field === undefined && (word === 'AND' || word === 'OR' || word === 'NOT')) return { kind: word, position }
  if (phrase !== undefined && close === '')
    throw new QuerySyntaxError('A quotation mark that is never closed', position)
  return termOf(groups, position)
}

/** Signs alone, such as a dash between words, are no words: the index would look for nothing. */
function termOf(groups: Record<string, string | undefined>, position: number): Token | undefined {
  const written = groups['phrase'] ?? groups['word'] ?? ''
  const isPrefix = groups['star'] === '*' || written.endsWith('*')
  if (!/[\p{L}\p{N}]/u.test(written)) return undefined
  const field = groups['field'] === undefined ? '' : `${groups['field']} : `
  return { kind: 'term', expression: `${field}"${written.replaceAll('"', ' ')}"${isPrefix ? ' *' : ''}`, position }
}

function parseAlternatives(parser: Parser): string {
  const alternatives = [parseConjunction(parser)]
  while (parser.tokens[parser.next]?.kind === 'OR') {
    parser.next += 1
    alternatives.push(parseConjunction(parser))
  }
  return joined(alternatives, ' OR ')
}

function parseConjunction(parser: Parser): string {
  const start = positionOf(parser)
  const wanted: string[] = []
  const excluded: string[] = []
  do {
    const isExcluded = takeOperators(parser)
    const expression = parsePrimary(parser)
    if (isExcluded) excluded.push(expression)
    else wanted.push(expression)
  } while (!endsConjunction(parser))
  if (wanted.length === 0) throw new QuerySyntaxError('Only says what to leave out: add a word to look for', start)
  const all = joined(wanted, ' AND ')
  return excluded.length === 0 ? all : `(${all} NOT ${joined(excluded, ' OR ')})`
}

/** Takes `AND`, `NOT`, `AND NOT` before a term; true when what follows is to be left out. */
function takeOperators(parser: Parser): boolean {
  const token = parser.tokens[parser.next]
  if (token?.kind === 'AND') parser.next += 1
  const isExcluded = parser.tokens[parser.next]?.kind === 'NOT'
  if (isExcluded) parser.next += 1
  return isExcluded
}

function endsConjunction(parser: Parser): boolean {
  const kind = parser.tokens[parser.next]?.kind
  return kind === undefined || kind === ')' || kind === 'OR'
}

function parsePrimary(parser: Parser): string {
  const token = parser.tokens[parser.next]
  if (token?.kind === 'term') {
    parser.next += 1
    return token.expression
  }
  if (token?.kind !== '(') throw missingTerm(parser, token)
  if (parser.depth === MAX_DEPTH) throw new QuerySyntaxError(`More than ${MAX_DEPTH} parentheses deep`, token.position)
  parser.next += 1
  parser.depth += 1
  const inner = parseAlternatives(parser)
  parser.depth -= 1
  if (parser.tokens[parser.next]?.kind !== ')') {
    throw new QuerySyntaxError('A parenthesis that is never closed', token.position)
  }
  parser.next += 1
  return inner
}

function missingTerm(parser: Parser, token: Token | undefined): QuerySyntaxError {
  if (parser.tokens.length === 0) return new QuerySyntaxError('No words to look for', 0)
  const found = token === undefined ? 'the end' : `"${token.kind}"`
  return new QuerySyntaxError(`A word was expected before ${found}`, token?.position ?? parser.end)
}

function positionOf(parser: Parser): number {
  return parser.tokens[parser.next]?.position ?? parser.end
}

function joined(expressions: readonly string[], operator: string): string {
  return expressions.length === 1 ? expressions[0]! : `(${expressions.join(operator)})`
}
