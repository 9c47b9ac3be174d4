import type { KeyValue } from './structure.ts'

const MAX_PAIRS = 200
/** A short label, a colon, a value on the same line; no sentence, no web address, no time of day. */
const PAIR = /^[ \t]*(?<key>\p{Lu}[^:\n\t.!?]{0,39}?)[  ]?:[ \t]+(?<value>\S[^\n\t]{0,199})$/gmu
const MAX_KEY_WORDS = 5

/** Lines such as `Invoice date: 8 April 2024`. The first of a repeated key comes first; all are kept. */
export function keyValuesIn(text: string): KeyValue[] {
  const pairs = [...text.matchAll(PAIR)].map(({ groups }) => ({
    key: groups!['key']!.trim(),
    value: groups!['value']!.trim(),
  }))
  return pairs.filter(({ key }) => key.split(/\s+/).length <= MAX_KEY_WORDS).slice(0, MAX_PAIRS)
}
