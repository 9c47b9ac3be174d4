/** A server a bench runs against, started for it unless its address is in the environment. */
export interface BenchServer {
  readonly url: string
  /** Its version and what it makes of durability, for the head of the table. */
  readonly description: string
  close(): Promise<void>
}

/** The server of a broker. Memory needs none. */
export async function startServer(broker: string): Promise<BenchServer> {
  if (broker === 'memory') return { url: 'memory:', description: 'in one process', close: () => Promise.resolve() }
  throw new Error(`No server is known for ${broker}`)
}
