import { startServer as startTestServer, whyNoServer } from '@ds/broker-testing'
import type { NatsOptions } from '@ds/broker-testing'

/** A server a bench runs against, started for it unless its address is in the environment. */
export interface BenchServer {
  readonly url: string
  /** Its version and what it makes of durability, for the head of the table. */
  readonly description: string
  close(): Promise<void>
}

/** The server of a broker. Memory needs none. Redis keeps its append-only file as its own default has it, synced every second. */
export async function startServer(broker: string): Promise<BenchServer> {
  switch (broker) {
    case 'memory':
      return { url: 'memory:', description: 'in one process', close: () => Promise.resolve() }
    case 'redis': {
      const server = await startTestServer('redis', { appendFsync: 'everysec' })
      return { url: server.url, description: `${server.version}, AOF synced every second`, close: () => server.close() }
    }
    case 'nats': {
      const server = await startTestServer('nats', { ownProcess: true, ...(await natsVersion()) })
      const description = `${server.version}, file storage, one replica, written through every two minutes`
      return { url: server.url, description, close: () => server.close() }
    }
    case 'kafka': {
      const server = await startTestServer('kafka', { javaOptions: [], ownProcess: true })
      return { url: server.url, description: `${server.version}, one replica, acks=all`, close: () => server.close() }
    }
    default:
      throw new Error(`No server is known for ${broker}`)
  }
}

/** The one of DS_TEST_NATS_VERSION, else the newest, else the one that is found. */
async function natsVersion(): Promise<Pick<NatsOptions, 'version'>> {
  const version = process.env['DS_TEST_NATS_VERSION'] as NatsOptions['version']
  if (version !== undefined) return { version }
  return (await whyNoServer('nats', { version: 'latest' })) === undefined ? { version: 'latest' } : {}
}
