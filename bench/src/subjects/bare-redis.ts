import { Redis } from 'ioredis'
import { versionOf } from '../versions.ts'
import type { BenchArgs, RunningWorker, Subject, SubjectOptions } from '../subject.ts'

const GROUP = 'workers'

/** The least that could work on the bare client: a stream and a consumer group. No state, no results, no retries. */
export async function openBareRedis({ url, namespace }: SubjectOptions): Promise<Subject> {
  const client = new Redis(url)
  const reader = new Redis(url, { maxRetriesPerRequest: null })
  // Sender and receiver both create it; the second is told that it is there.
  await client.xgroup('CREATE', namespace, GROUP, '0', 'MKSTREAM').catch(() => undefined)
  return {
    versions: { ioredis: await versionOf('ioredis') },
    async submit(args: BenchArgs): Promise<void> {
      await client.xadd(namespace, '*', 'args', JSON.stringify(args))
    },
    async submitMany(many: readonly BenchArgs[]): Promise<void> {
      const pipeline = client.pipeline()
      for (const args of many) pipeline.xadd(namespace, '*', 'args', JSON.stringify(args))
      await pipeline.exec()
    },
    async startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker> {
      let going = true
      const loop = (async () => {
        while (going) await readOnce({ client, reader, stream: namespace, concurrency, onStart })
      })()
      return {
        async stop(): Promise<void> {
          going = false
          await loop
        },
      }
    },
    pending: () => client.xlen(namespace),
    async close(): Promise<void> {
      client.disconnect()
      reader.disconnect()
    },
  }
}

interface Reading {
  readonly client: Redis
  readonly reader: Redis
  readonly stream: string
  readonly concurrency: number
  readonly onStart: (args: BenchArgs) => void
}

type Entries = [stream: string, entries: [id: string, fields: string[]][]][]

async function readOnce({ client, reader, stream, concurrency, onStart }: Reading): Promise<void> {
  const read = reader.xreadgroup('GROUP', GROUP, 'one', 'COUNT', concurrency, 'BLOCK', 200, 'STREAMS', stream, '>')
  const [found] = ((await read) ?? []) as Entries
  if (!found) return
  const ids = found[1].map(([id, [, args = '']]) => {
    onStart(JSON.parse(args) as BenchArgs)
    return id
  })
  await client
    .pipeline()
    .xack(stream, GROUP, ...ids)
    .xdel(stream, ...ids)
    .exec()
}
