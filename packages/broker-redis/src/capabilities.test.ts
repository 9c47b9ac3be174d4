import { describe, expect, test } from 'vitest'
import { capabilitiesOf, checkDurability, checkFacts, durabilityOf } from './capabilities.ts'
import type { ServerFacts } from './capabilities.ts'
import { resolveOptions } from './options.ts'

const facts: ServerFacts = {
  version: '7.0.15',
  role: 'master',
  master: undefined,
  cluster: false,
  uptime: 0,
  readAt: 0,
  cuts: 0,
  appendOnly: true,
  fsync: 'always',
  snapshots: true,
  eviction: 'noeviction',
  bulkLimit: 512 * 1024 * 1024,
}
const ADDRESS = 'redis://one:6379'

describe('servers that cannot carry tasks are refused', () => {
  test.each([
    [{ version: '6.0.16' }, 'version 6.0.16'],
    [{ version: '5.0.3' }, '6.2 or later'],
    [{ role: 'slave', master: 'two:6379' }, 'two:6379'],
    [{ cluster: true }, '?cluster=true'],
  ])('%j', (some, words) => {
    expect(() => checkFacts({ ...facts, ...some }, ADDRESS, false)).toThrow(words)
  })

  test.each(['6.2.0', '7.4.1', '8.0.0', '10.1.0'])('version %s is taken', (version) => {
    expect(() => checkFacts({ ...facts, version }, ADDRESS, false)).not.toThrow()
  })

  test('a cluster is taken where one was asked for', () => {
    expect(() => checkFacts({ ...facts, cluster: true }, ADDRESS, true)).not.toThrow()
  })
})

describe('durability', () => {
  test.each<[Partial<ServerFacts>, string]>([
    [{}, 'strong'],
    [{ fsync: 'everysec' }, 'strong'],
    [{ fsync: 'no' }, 'weak'],
    [{ fsync: undefined }, 'unknown'],
    [{ appendOnly: false }, 'weak'],
    [{ appendOnly: false, snapshots: false }, 'weak'],
    [{ eviction: 'allkeys-lru' }, 'weak'],
  ])('%j is %s', (some, level) => {
    expect(durabilityOf({ ...facts, ...some }).level).toBe(level)
  })

  test('that is weak says what to change, and is refused where it must be durable', () => {
    const weak = durabilityOf({ ...facts, appendOnly: false, eviction: 'volatile-lru' })
    expect(weak.advice).toContain('appendonly yes')
    expect(weak.advice).toContain('noeviction')
    expect(() => checkDurability(weak, ADDRESS)).toThrow('requireDurable')
    expect(() => checkDurability(durabilityOf(facts), ADDRESS)).not.toThrow()
  })
})

describe('capabilities', () => {
  test('never promise more than the server takes', () => {
    const options = resolveOptions({ maxPayload: 2000 })
    expect(capabilitiesOf(options, facts).maxPayload).toBe(2000)
    expect(capabilitiesOf(options, { ...facts, bulkLimit: 1000 }).maxPayload).toBe(1000)
  })

  test('say whether tasks survive a restart of the server', () => {
    const options = resolveOptions({})
    expect(capabilitiesOf(options, facts).persistent).toBe(true)
    expect(capabilitiesOf(options, { ...facts, appendOnly: false, snapshots: false }).persistent).toBe(false)
  })
})
