import { expect, test } from 'vitest'
import { deal } from './deal.ts'

const MEMBERS = Array.from({ length: 9 }, (_, index) => `member-${index}`)

test('each partition is dealt once, and no member gets two more than another', () => {
  for (let count = 1; count <= MEMBERS.length; count++) {
    const hands = [...deal(MEMBERS.slice(0, count), 16).values()]
    expect(hands.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, index) => index))
    const sizes = hands.map(({ length }) => length)
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
  }
})

test('more members than partitions: some go without', () => {
  const hands = [...deal(MEMBERS, 4).values()]
  expect(hands.flat()).toHaveLength(4)
  expect(Math.max(...hands.map(({ length }) => length))).toBe(1)
})

test('nobody is there, nothing is dealt', () => {
  expect(deal([], 16).size).toBe(0)
})

test('when a member goes, fewer than half of the others’ partitions move', () => {
  const before = deal(MEMBERS.slice(0, 8), 64)
  const after = deal(MEMBERS.slice(0, 7), 64)
  const moved = [...after].flatMap(([member, hand]) =>
    (before.get(member) ?? []).filter((each) => !hand.includes(each)),
  )
  expect(moved.length).toBeLessThan(28)
})
