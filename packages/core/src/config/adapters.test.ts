import { describe, expect, test } from 'vitest'
import { createProject } from '../../test/project.ts'
import type { BrokerConfig } from './config.ts'

const ADAPTER = `
import { createMemoryBroker } from '@ds/core'
export const adapter = { name: 'acme', schemes: ['acme'], create: (options) => Object.assign(createMemoryBroker(), { options }) }
`
const find = (config: BrokerConfig): string =>
  `const adapter = await core.findAdapter(${JSON.stringify(config)}, process.cwd()); answer(adapter.name)`
const connecting = (broker: unknown): string =>
  `answer(await failing(() => core.connect({ broker: ${JSON.stringify(broker)} })))`

describe('an adapter is found', () => {
  test('built in, for memory', async () => {
    await using project = await createProject()
    expect((await project.run(find({ url: 'memory:' }))).answer).toBe('memory')
    expect((await project.run(find({ adapter: 'memory' }))).answer).toBe('memory')
  })

  test.each([
    [{ url: 'redis://h' }, '@ds/broker-redis'],
    [{ url: 'REDISS://h' }, '@ds/broker-redis'],
    [{ adapter: 'redis' }, '@ds/broker-redis'],
    [{ url: 'nats://h' }, '@ds/broker-nats'],
    [{ url: 'tls://h' }, '@ds/broker-nats'],
    [{ url: 'kafka://h' }, '@ds/broker-kafka'],
    [{ adapter: '@acme/ds-broker' }, '@acme/ds-broker'],
    [{ adapter: '@acme/ds-broker', url: 'acme://h' }, '@acme/ds-broker'],
  ])('for %j in the package %s', async (config, name) => {
    await using project = await createProject({
      [`node_modules/${name}/package.json`]: '{"type":"module","exports":"./index.js"}',
      [`node_modules/${name}/index.js`]: ADAPTER,
    })
    expect((await project.run(find(config))).answer).toBe('acme')
  })

  test('in a file, from the config', async () => {
    await using project = await createProject({
      'ds.config.json': '{"broker":{"adapter":"./adapter.js","size":3},"namespace":"mine"}',
      'adapter.js': ADAPTER,
    })
    const { answer } = await project.run(`
      const config = await core.loadConfig()
      const adapter = await core.findAdapter(config.broker, config.folder)
      const manager = await core.connect()
      answer([adapter.name, manager.capabilities.shared])
      await manager.close()
    `)
    expect(answer).toEqual(['acme', false])
  })

  test('gets its own options beside those of all brokers', async () => {
    await using project = await createProject({
      'adapter.js': `import { createMemoryBroker } from '@ds/core'
        export const adapter = { name: 'acme', schemes: [], create: (options) => { globalThis.seen = options; return createMemoryBroker() } }`,
    })
    const { answer } = await project.run(`
      const manager = await core.connect({ broker: { adapter: './adapter.js', url: 'acme://h', size: 3 }, namespace: 'mine', retention: { age: '1d' }, maxPayload: '1kb', requireDurable: true })
      answer(globalThis.seen)
      await manager.close()
    `)
    expect(answer).toEqual({
      url: 'acme://h',
      size: 3,
      namespace: 'mine',
      retention: { age: 86_400_000 },
      maxPayload: 1024,
      requireDurable: true,
    })
  })
})

describe('a broker that cannot be had is said in one line', () => {
  test.each([
    [
      'redis://me:secret@h',
      'AdapterNotInstalled',
      /^The broker needs the package @ds\/broker-redis, which is not installed in .*\. Run: npm install @ds\/broker-redis$/,
    ],
    ['kafka://h', 'AdapterNotInstalled', /Run: npm install @ds\/broker-kafka$/],
    [{ adapter: '@acme/ds-broker' }, 'AdapterNotInstalled', /Run: npm install @acme\/ds-broker$/],
    [
      'amqp://h',
      'UnknownBroker',
      /^No broker is known for URLs that begin with amqp:\. Known are: memory, redis, rediss, nats, tls, kafka\./,
    ],
    ['localhost', 'UnknownBroker', /^The broker "localhost" is not a URL\. Give one such as/],
    [{ adapter: './absent.js' }, 'ConfigInvalid', /absent\.js cannot be loaded: Cannot find module/],
    [
      { adapter: './empty.js' },
      'ConfigInvalid',
      /empty\.js is no broker adapter: it exports nothing\. An adapter exports/,
    ],
    [{ adapter: './other.js' }, 'ConfigInvalid', /other\.js is no broker adapter: it exports adapter, size/],
    [
      { adapter: './needy.js' },
      'ConfigInvalid',
      /needy\.js cannot be loaded: Cannot find package 'ioredis' .* Run: npm install ioredis$/,
    ],
  ])('%j', async (broker, code, message) => {
    await using project = await createProject({
      'empty.js': '',
      'other.js': 'export const adapter = {}, size = 3',
      'needy.js': `import 'ioredis'`,
    })
    await project.copyCore()
    const { answer } = await project.run(connecting(broker))
    expect(answer).toMatchObject({ code, message: expect.stringMatching(message) as string })
    expect(JSON.stringify(answer)).not.toContain('secret')
  })
})
