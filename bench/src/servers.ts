import { startServer as startTestServer } from '@ds/broker-testing'

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
    default:
      throw new Error(`No server is known for ${broker}`)
  }
}
