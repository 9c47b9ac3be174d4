import { connect, InvalidArgumentsError, TaskFailedError } from '@ds/core'
import { Worker } from '@ds/worker'
import { app } from './tasks.ts'

// The worker would be a program of its own on a broker that processes share; on memory: it lives here.
const worker = new Worker({ app })
const running = worker.run()
const manager = await connect({ app })

const task = await manager.create('count_words', { text: 'to be or not to be' })
const { words } = await task.result() // a number, known to the compiler
console.log(`${words} words`)

// Many at once is the same call with an array; each handle knows its own result.
const [short, long] = await manager.create([
  { name: 'count_words', args: { text: 'brevity' } },
  { name: 'count_words', args: { text: 'the soul of wit' }, delay: '100ms' },
])
console.log((await short.result()).words, (await long.result()).words)

// From outside nothing is known to the compiler: what does not fit the schema is refused before it is sent.
const outside = JSON.parse('{"text":42}') as { text: string }
const refused = await manager.create('count_words', outside).catch((error: unknown) => error)
if (refused instanceof InvalidArgumentsError) console.log(refused.code)

// What a handler throws ends its task in ERROR, and is thrown where its result is asked for.
const failing = await manager.create('translate', { text: 'wit', to: 'tlh' })
const failed = await failing.result().catch((error: unknown) => error)
if (failed instanceof TaskFailedError) console.log(failed.code, failed.error?.message)

console.log(await manager.counts())

await manager.close()
await worker.stop()
await running
