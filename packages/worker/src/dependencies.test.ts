import { defineDependency } from '@ds/core'
import { expect, it } from 'vitest'
import { DependencySet } from './dependencies.ts'
import { collectingLogger } from '../test/collecting-logger.ts'

function newSet() {
  const { logger, lines } = collectingLogger()
  const lifetime = new AbortController()
  return { set: new DependencySet({ signal: lifetime.signal, logger }), lines, lifetime }
}

/** Two dependencies that write down what happens to them; the second uses the first. */
function recordedPair() {
  const record: string[] = []
  const connection = defineDependency('connection', {
    setup: async () => {
      await Promise.resolve()
      record.push('connection up')
      return 'connected'
    },
    teardown: () => void record.push('connection down'),
  })
  const index = defineDependency('index', {
    uses: [connection],
    setup: ({ get }) => {
      record.push('index up')
      return `index over ${get(connection)}`
    },
    teardown: async (value) => {
      await Promise.resolve()
      record.push(`${value} down`)
    },
  })
  return { connection, index, record }
}

it('sets up what a dependency uses first, and tears down in reverse, sync and async', async () => {
  const { set } = newSet()
  const { index, record } = recordedPair()
  await set.setUp([index])
  await set.tearDown()
  expect(record).toEqual(['connection up', 'index up', 'index over connected down', 'connection down'])
})

it('sets each up once, whoever asks and however often', async () => {
  const { set } = newSet()
  const { connection, index, record } = recordedPair()
  await Promise.all([set.setUp([index]), set.setUp([connection, index]), set.setUp([connection])])
  expect(record).toEqual(['connection up', 'index up'])
})

it('tears down what was set up before a setup that failed', async () => {
  const { set } = newSet()
  const { index, record } = recordedPair()
  const broken = defineDependency('broken', {
    uses: [index],
    setup: () => Promise.reject(new Error('no model')),
    teardown: () => void record.push('broken down'),
  })
  await expect(set.setUp([broken])).rejects.toThrow('no model')
  await set.tearDown()
  expect(record.slice(2)).toEqual(['index over connected down', 'connection down'])
})

it('tries a setup that failed again at the next call', async () => {
  const { set } = newSet()
  let tries = 0
  const flaky = defineDependency('flaky', {
    setup: () => {
      tries += 1
      if (tries === 1) throw new Error('not yet')
      return tries
    },
  })
  const list = [flaky]
  await expect(set.setUp(list)).rejects.toThrow('not yet')
  expect(set.has(list)).toBe(false)
  await set.setUp(list)
  expect(set.values(list)).toMatchObject({ flaky: 2 })
})

it('tears down the others when one cannot be', async () => {
  const { set, lines } = newSet()
  const { connection, record } = recordedPair()
  const stuck = defineDependency('stuck', {
    setup: () => 1,
    teardown: () => {
      throw new Error('busy')
    },
  })
  await set.setUp([connection, stuck])
  await set.tearDown()
  expect(record).toEqual(['connection up', 'connection down'])
  expect(lines.map(({ message }) => message)).toEqual(['The dependency stuck could not be torn down'])
})

it('refuses to read a dependency that is not set up: in a handler', async () => {
  const { set } = newSet()
  const { connection } = recordedPair()
  const list = [connection]
  await set.setUp(list)
  const values = set.values(list) as Record<string, unknown>
  expect(values['connection']).toBe('connected')
  expect(() => values['index']).toThrow(expect.objectContaining({ code: 'DependencyNotReady' }))
  expect(() => (set.values([]) as Record<string, unknown>)['connection']).toThrow(/List it in `dependencies`/)
})

it('refuses to read a dependency that is not set up: in another setup', async () => {
  const { set } = newSet()
  const { connection } = recordedPair()
  const careless = defineDependency('careless', { setup: ({ get }) => get(connection) })
  await expect(set.setUp([connection, careless])).rejects.toMatchObject({ code: 'DependencyNotReady' })
})

it('can be awaited and printed without reading a dependency', async () => {
  const { set } = newSet()
  const values = await Promise.resolve(set.values([]))
  expect(JSON.stringify(values)).toBe('{}')
  expect(String(Object.keys(values))).toBe('')
})

it('lets a setup hear of the shutdown', async () => {
  const { set, lifetime } = newSet()
  const watching = defineDependency('watching', { setup: ({ signal }) => signal })
  const list = [watching]
  await set.setUp(list)
  lifetime.abort()
  expect(set.values(list)).toMatchObject({ watching: { aborted: true } })
})
