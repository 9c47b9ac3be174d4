import { Buffer } from 'node:buffer'
import { resolveOptions } from '../../../src/options.ts'
import { createKafkaPort } from '../../../src/port/kafkajs-port.ts'

/** Works a little, says so, waits for a word from outside if it is to, closes, and has nothing left that keeps it alive. */
const [, , url = '', mode = 'now'] = process.argv
const port = createKafkaPort(resolveOptions({ url }).connection)
await port.connect()
await port.ensureTopics([{ topic: 'ds.close', partitions: 2 }])
await port.append([{ topic: 'ds.close', partition: 0, key: Buffer.from('k'), value: null }])
const tail = await port.tail({ topic: 'ds.close', onBatch: () => undefined })
tail.setPartitions(new Map([[0, 'start']]))
await port.joinGroup({ group: 'ds.close', topics: ['ds.close'], onBatch: () => undefined })
print('works')
if (mode === 'idle') await idle()
if (mode === 'away') await new Promise((resolve) => process.stdin.once('data', resolve))
const started = Date.now()
// What is on its way when it closes must not keep it either.
const writing = port
  .append([{ topic: 'ds.close', partition: 1, key: Buffer.from('k'), value: null }])
  .catch(() => undefined)
await port.close()
await writing
process.stdin.destroy()
print(`closed ${Date.now() - started}`)

async function idle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, 4000))
  const { user, system } = process.cpuUsage(before)
  print(`idle ${((user + system) / 40_000).toFixed(2)}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
