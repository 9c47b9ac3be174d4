import { setTimeout as sleep } from 'node:timers/promises'
import { startServer as startTestServer, whyNoServer } from '@ds/broker-testing'
import type { NatsOptions } from '@ds/broker-testing'
import { Redis } from 'ioredis'

/** A server a bench runs against, started for it unless its address is in the environment. */
export interface BenchServer {
  readonly url: string
  /** Its version and what it makes of durability, for the head of the table. */
  readonly description: string
  /** It compiles its code as it goes, and is several times slower until it has. */
  readonly compiles?: true
  /** Waits until it is at nothing but what it is asked, where it has work of its own; from then on it begins none. */
  calm?(): Promise<void>
  /** Takes away what earlier measurements left, where it was started for the bench: each begins on an empty server. */
  clear?(): Promise<void>
  /** Commands it has carried out, where it counts them: those inside of scripts too. */
  commands?(): Promise<number>
  close(): Promise<void>
}

/** The server of a broker. Memory needs none. Redis keeps its append-only file as its own default has it, synced every second. */
export async function startServer(broker: string): Promise<BenchServer> {
  switch (broker) {
    case 'memory':
      return { url: 'memory:', description: 'in one process', close: () => Promise.resolve() }
    case 'redis':
      return redisServer()
    case 'nats': {
      const server = await startTestServer('nats', { ownProcess: true, ...(await natsVersion()) })
      const description = `${server.version}, file storage, one replica, written through every two minutes`
      return { url: server.url, description, close: () => server.close() }
    }
    case 'kafka': {
      const server = await startTestServer('kafka', { javaOptions: [], ownProcess: true })
      const description = `${server.version}, one replica, acks=all`
      return { url: server.url, description, compiles: true, close: () => server.close() }
    }
    default:
      throw new Error(`No server is known for ${broker}`)
  }
}

async function redisServer(): Promise<BenchServer> {
  const server = await startTestServer('redis', { appendFsync: 'everysec' })
  const client = new Redis(server.url)
  return {
    url: server.url,
    description: `${server.version}, AOF synced every second, not rewritten meanwhile`,
    calm: () => calm(client),
    async clear() {
      if (!server.controllable) return
      await calm(client)
      await client.flushall()
      await client.bgrewriteaof()
      await calm(client)
    },
    async commands() {
      const stats = await client.info('commandstats')
      return [...stats.matchAll(/:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0)
    },
    async close() {
      client.disconnect()
      await server.close()
    },
  }
}

/** No rewrite of the append-only file goes on, and none begins: it would take a core from whoever is measured by then. */
async function calm(client: Redis): Promise<void> {
  await client.config('SET', 'auto-aof-rewrite-percentage', '0')
  while (/aof_rewrite_(in_progress|scheduled):1/.test(await client.info('persistence'))) await sleep(100)
}

/** The one of DS_TEST_NATS_VERSION, else the newest, else the one that is found. */
async function natsVersion(): Promise<Pick<NatsOptions, 'version'>> {
  const version = process.env['DS_TEST_NATS_VERSION'] as NatsOptions['version']
  if (version !== undefined) return { version }
  return (await whyNoServer('nats', { version: 'latest' })) === undefined ? { version: 'latest' } : {}
}
