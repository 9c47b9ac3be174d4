import { describe, expect, test } from 'vitest'
import { consumerName, topologyOf } from './topology.ts'

describe('the keys of a namespace', () => {
  test('all carry its hash tag, so that a cluster keeps them together', () => {
    const { prefix, ...keys } = topologyOf('prod')
    const names = Object.values(keys).map((key) => (typeof key === 'string' ? key : key('x')))
    expect(prefix).toBe('{ds:prod}:')
    expect(names.filter((name) => !name.startsWith('{ds:prod}:'))).toEqual([])
    expect(new Set(names).size).toBe(names.length)
  })

  test('of two namespaces never meet, even where one name begins with the other', () => {
    expect(topologyOf('a').task('b')).not.toBe(topologyOf('a-b').task(''))
    expect(topologyOf('a').prefix.startsWith(topologyOf('a-b').prefix)).toBe(false)
  })

  test('take any id, also one with braces and separators', () => {
    expect(topologyOf('prod').task('e{}|:. *é')).toBe('{ds:prod}:task:e{}|:. *é')
  })
})

test('a consumer is named by its lease first, in whole milliseconds, and by its nonce last', () => {
  expect(consumerName(1500.2, 'worker:1', 'nonce')).toBe('1501:worker:1:nonce')
})
