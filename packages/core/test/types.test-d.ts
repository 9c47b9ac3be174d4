/** Compiled, never run: what must compile does, and each line marked as an error must be one. */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { connect, createApp, createTaskManager, defineConfig, defineDependency, defineTask } from '../src/index.ts'
import type { Broker, DsConfig, TaskManager, TasksOf } from '../src/index.ts'

declare const folderSchema: StandardSchemaV1<{ folder: string }, { folder: string; depth: number }>
declare const countSchema: StandardSchemaV1<{ indexed: number }, { indexed: number }>

const searchIndex = defineDependency('searchIndex', { setup: () => ({ add: (size: number): number => size }) })

const greet = defineTask('greet', async ({ greeted }: { greeted: string }, context) => {
  context.progress(0.5)
  return `Hello ${greeted}!`
})
const index = defineTask(
  'index_documents',
  { args: folderSchema, result: countSchema, dependencies: [searchIndex] },
  async ({ folder, depth }, { dependencies }) => ({ indexed: dependencies.searchIndex.add(depth) + folder.length }),
)
const double = defineTask('double', { maxRetries: 3 }, (value: number) => value * 2)
const app = createApp('all', [greet, createApp('inner', [index, double])])

declare const manager: TaskManager<TasksOf<typeof app>>
declare const untyped: TaskManager

export async function compiles(): Promise<void> {
  const greeting: string = await (await manager.create('greet', { greeted: 'world' })).result()
  const counted: { indexed: number } = await (await manager.create('index_documents', { folder: '/data' })).result()
  const doubled: number = await (await manager.create('double', 2)).result()
  const anything: unknown = await (await untyped.create('whatever', { any: 'json' })).result()
  const byDefinition: number = await (await untyped.create(double, 3)).result()
  const [first, second] = await manager.create([
    { name: 'greet', args: { greeted: 'world' } },
    { name: 'double', args: 2, delay: '5m' },
  ])
  const texts: [string, number] = [await first.result(), await second.result()]
  const many = await manager.create([1, 2].map((args) => ({ name: 'double' as const, args })))
  const each: number[] = await Promise.all(many.map((task) => task.result()))
  void [greeting, counted, doubled, anything, byDefinition, texts, each]
}

declare const broker: Broker

export async function connects(): Promise<void> {
  const byType = await connect<typeof app>()
  const greeted: string = await (await byType.create('greet', { greeted: 'world' })).result()
  const byValue = await connect({ app, broker: 'memory:', timeout: '5s' })
  const doubled: number = await (await byValue.create('double', 2)).result()
  const anyApp = await connect({ app: './tasks.ts', broker: { adapter: 'redis', host: 'localhost', port: 6379 } })
  const anything: unknown = await (await anyApp.create('whatever', null)).result()
  const beside: TaskManager<TasksOf<typeof app>> = createTaskManager(broker, { app })
  const config: DsConfig = defineConfig({
    app,
    broker,
    retention: { age: '7d', count: 1000 },
    worker: { groups: ['io'] },
  })
  void [greeted, doubled, anything, beside, config]
}

export async function doesNotConnect(): Promise<void> {
  const connected = await connect<typeof app>()
  const given = await connect({ app })
  // @ts-expect-error a name that the App does not have
  await connected.create('nope', null)
  // @ts-expect-error args of another type, by the App that is given
  await given.create('double', 'two')
  // @ts-expect-error an unknown option
  await connect({ brokr: 'memory:' })
  // @ts-expect-error what only workers read
  await connect({ worker: {} })
  // @ts-expect-error a broker that is neither a URL, nor an adapter, nor a broker
  await connect({ broker: { host: 'localhost' } })
  // @ts-expect-error an unknown key of a config
  defineConfig({ namespaces: 'x' })
  // @ts-expect-error an unknown key inside
  defineConfig({ worker: { concurency: 3 } })
}

export async function doesNotCompile(): Promise<void> {
  // @ts-expect-error args of another type
  await manager.create('double', 'two')
  // @ts-expect-error a misspelt argument
  await manager.create('greet', { greted: 'world' })
  // @ts-expect-error a name that is not registered
  await manager.create('nope', {})
  // @ts-expect-error what only the schema's output has is not asked of callers
  await manager.create('index_documents', { depth: 2 })
  // @ts-expect-error an unknown option
  await manager.create('double', 2, { dealy: '5m' })
  // @ts-expect-error a batch with a wrong argument
  await manager.create([{ name: 'greet', args: { greeted: 1 } }])
  // @ts-expect-error the result has another type
  const wrong: number = await (await manager.create('greet', { greeted: 'world' })).result()
  // @ts-expect-error an unknown option of a definition
  defineTask('misspelt', { maxRetry: 3 }, () => 1)
  // @ts-expect-error a handler that returns something else than its result schema
  defineTask('wrong_result', { result: countSchema }, () => ({ indexed: 'many' }))
  // @ts-expect-error a dependency that is not listed
  defineTask('unlisted', {}, (_args: null, { dependencies }) => dependencies.searchIndex)
  void wrong
}
