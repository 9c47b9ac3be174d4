import type { Amount } from './structure.ts'

const SYMBOLS: Readonly<Record<string, string>> = {
  US$: 'USD',
  $: 'USD',
  '€': 'EUR',
  '£': 'GBP',
  '¥': 'JPY',
  euro: 'EUR',
  euros: 'EUR',
  dollars: 'USD',
  dollar: 'USD',
  pounds: 'GBP',
}
const CODES =
  'AED|AUD|BRL|CAD|CHF|CNY|CZK|DKK|EUR|GBP|HKD|HUF|ILS|INR|JPY|KES|MXN|NGN|NOK|NZD|PLN|RON|RUB|SAR|SEK|SGD|TRY|UAH|USD|ZAR'
const MULTIPLIERS: Readonly<Record<string, number>> = {
  thousand: 3,
  k: 3,
  mille: 3,
  million: 6,
  millions: 6,
  mio: 6,
  m: 6,
  billion: 9,
  billions: 9,
  milliard: 9,
  milliards: 9,
  bn: 9,
}

const SPACE = '[ \u00a0\u202f]'
/** Groups of three with one kind of separator, or plain digits; then perhaps a decimal part. */
const NUMBER = String.raw`\d{1,3}(?:(?:${SPACE}\d{3})+|(?:['’]\d{3})+|(?:,\d{3})+|(?:\.\d{3})+)(?:[.,]\d{1,2})?(?!\d)|\d+(?:[.,]\d{1,4})?(?!\d)`
const FACTOR = String.raw`(?:${SPACE}?(?<factor>thousand|mille|millions?|mio|billions?|milliards?|bn|[km](?![\p{L}\p{N}])))?`
const BEFORE = new RegExp(
  String.raw`(?<![\p{L}\p{N}])(?<currency>US\$|[$€£¥]|${CODES})${SPACE}?(?<number>${NUMBER})${FACTOR}`,
  'giu',
)
const AFTER = new RegExp(
  String.raw`(?<![\p{L}\p{N}.,])(?<number>${NUMBER})${FACTOR}${SPACE}?(?:d['’])?(?<currency>[$€£¥]|(?:${CODES}|euros?|dollars?|pounds)(?!\p{L}))`,
  'giu',
)

/** Sums of money with their currencies, in the order of the text: `EUR 1,200.50`, `1 200,50 €`, `$4.5 million`. */
export function amountsIn(text: string): Amount[] {
  const amounts: Found[] = []
  for (const line of text.matchAll(/[^\n]+/g)) amounts.push(...amountsOfLine(line[0], line.index))
  return amounts.map(({ amount }) => amount)
}

interface Found {
  readonly amount: Amount
  /** Where the number stands: it belongs to one currency only. */
  readonly numberAt: number
}

/** "10 EUR 5 USD" can be read from both sides; a line keeps to one way of writing, the one it has more of. */
function amountsOfLine(line: string, offset: number): Found[] {
  const before = [...line.matchAll(BEFORE)].flatMap((match) => toFound(match, offset))
  const after = [...line.matchAll(AFTER)].flatMap((match) => toFound(match, offset))
  const [first, second] = after.length > before.length ? [after, before] : [before, after]
  const taken = new Set(first.map(({ numberAt }) => numberAt))
  const all = [...first, ...second.filter(({ numberAt }) => !taken.has(numberAt))]
  return all.sort((one, other) => one.numberAt - other.numberAt)
}

function toFound(match: RegExpExecArray, lineOffset: number): Found[] {
  const { currency, number, factor } = match.groups ?? {}
  if (currency === undefined || number === undefined) return []
  const code = SYMBOLS[currency] ?? SYMBOLS[currency.toLowerCase()] ?? currency.toUpperCase()
  const value = timesPowerOfTen(plainNumber(number), MULTIPLIERS[factor?.toLowerCase() ?? ''] ?? 0)
  const offset = lineOffset + match.index
  const amount = { value, currency: code, text: match[0].replace(/\s+/g, ' '), offset }
  return [{ amount, numberAt: offset + match[0].indexOf(number) }]
}

/** `1.234,50`, `1,234.50`, `1 234,5` and `1'234.50` as digits with a point. */
export function plainNumber(written: string): string {
  const bare = written.replace(/[ \u00a0\u202f'’]/g, '')
  const separators = bare.match(/[.,]/g) ?? []
  const last = bare.search(/[.,]\d*$/)
  if (last === -1) return bare
  const decimals = bare.length - last - 1
  const isGrouping = decimals === 3 && new Set(separators).size === 1 && !bare.startsWith('0')
  if (isGrouping) return bare.replace(/[.,]/g, '')
  return `${bare.slice(0, last).replace(/[.,]/g, '')}.${bare.slice(last + 1)}`
}

/** Moves the point: sums of money are never rounded through binary fractions. */
function timesPowerOfTen(number: string, power: number): string {
  if (power === 0) return number
  const [whole = '0', fraction = ''] = number.split('.')
  const moved = fraction.padEnd(power, '0')
  const rest = moved.slice(power)
  const digits = `${whole}${moved.slice(0, power)}`.replace(/^0+(?=\d)/, '')
  return rest === '' ? digits : `${digits}.${rest}`
}
