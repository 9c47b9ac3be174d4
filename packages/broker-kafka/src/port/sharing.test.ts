import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import type { TopicPartition } from './log-port.ts'
import { decodeShare, decodeSubscription, encodeShare, encodeSubscription, share } from './sharing.ts'
import type { Share, Sharer } from './sharing.ts'

function owned(member: string, topics: readonly string[], shares?: ReadonlyMap<string, Share>): Sharer {
  const had = Object.entries(shares?.get(member) ?? {}).flatMap(([topic, partitions]) =>
    partitions.map((partition): TopicPartition => ({ topic, partition })),
  )
  return { member, topics, owned: had }
}

function countOf(part: Share | undefined): number {
  return Object.values(part ?? {}).flat().length
}

/** All partitions that were dealt, each once. */
function dealt(shares: ReadonlyMap<string, Share>): string[] {
  return [...shares.values()].flatMap((part) =>
    Object.entries(part).flatMap(([topic, all]) => all.map((n) => `${topic} ${n}`)),
  )
}

describe('sharing', () => {
  test('deals each partition once, and evenly', () => {
    const shares = share(
      ['a', 'b', 'c'].map((name) => owned(name, ['t'])),
      new Map([['t', 16]]),
    )
    expect(new Set(dealt(shares)).size).toBe(16)
    expect([...shares.values()].map(countOf).sort()).toEqual([5, 5, 6])
  })

  test('deals no topic to a member that did not ask for it', () => {
    const shares = share([owned('a', ['t', 'u']), owned('b', ['t'])], new Map(Object.entries({ t: 4, u: 4 })))
    expect(Object.keys(shares.get('b') ?? {})).toEqual(['t'])
    expect(shares.get('a')?.['u']).toHaveLength(4)
  })

  test('of a topic that nobody asks for or that has no partitions deals nothing', () => {
    expect(dealt(share([owned('a', ['t'])], new Map(Object.entries({ t: 0, u: 3 }))))).toEqual([])
  })

  test('moves no more than it must when a member joins', () => {
    const before = share([owned('a', ['t']), owned('b', ['t'])], new Map([['t', 12]]))
    const after = share(
      ['a', 'b', 'c'].map((name) => owned(name, ['t'], before)),
      new Map([['t', 12]]),
    )
    expect([...after.values()].map(countOf)).toEqual([4, 4, 4])
    for (const name of ['a', 'b'])
      for (const n of after.get(name)?.['t'] ?? []) expect(before.get(name)?.['t']).toContain(n)
  })

  test('leaves everything where it is when a member leaves that had nothing to give', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const before = share(
      names.map((name) => owned(name, ['t'])),
      new Map([['t', 16]]),
    )
    const rest = names.slice(0, 4)
    const after = share(
      rest.map((name) => owned(name, ['t'], before)),
      new Map([['t', 16]]),
    )
    for (const name of rest) for (const n of before.get(name)?.['t'] ?? []) expect(after.get(name)?.['t']).toContain(n)
    expect(new Set(dealt(after)).size).toBe(16)
  })

  test('of two that both say they had a partition, gives it to one', () => {
    const both = ['a', 'b'].map((member): Sharer => ({ member, topics: ['t'], owned: [{ topic: 't', partition: 0 }] }))
    expect(dealt(share(both, new Map([['t', 2]]))).sort()).toEqual(['t 0', 't 1'])
  })
})

describe('what members say', () => {
  test('comes back as it was said', () => {
    const had = [{ topic: 't', partition: 3 }]
    expect(decodeSubscription('a', encodeSubscription(['t', 'u'], had))).toEqual({
      member: 'a',
      topics: ['t', 'u'],
      owned: had,
    })
    expect(decodeShare(encodeShare({ t: [1, 2], u: [0] }))).toEqual([
      { topic: 't', partition: 1 },
      { topic: 't', partition: 2 },
      { topic: 'u', partition: 0 },
    ])
  })

  test('an empty answer is no share at all', () => {
    expect(decodeShare(Buffer.alloc(0))).toEqual([])
  })
})
