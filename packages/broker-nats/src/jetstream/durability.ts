import type { Durability } from '@ds/core'
import type { StreamInfo } from '@nats-io/jetstream'

interface Varz {
  readonly jetstream?: { readonly config?: { readonly sync_interval?: number; readonly sync_always?: boolean } }
}

const ADVICE = 'Set jetstream.sync_interval to always, or use a cluster and replicas: 3'

/** What the server's settings make of "durable". How often it writes through is told by its monitoring alone, if that is known. */
export async function durabilityOf(streams: readonly StreamInfo[], monitor: string | undefined): Promise<Durability> {
  const replicas = Math.min(...streams.map(({ config }) => config.num_replicas))
  if (replicas >= 3) {
    return { level: 'strong', summary: `every message is on a majority of ${replicas} servers before it is answered` }
  }
  const written = 'one replica; what was accepted outlives a kill of the server'
  const config = monitor === undefined ? undefined : await readConfig(monitor)
  if (config === undefined) {
    const summary = `${written}, but a loss of power may take what was not yet written through, by default two minutes of it`
    return { level: 'weak', summary, advice: `${ADVICE}; with the option monitor it is read what the server does` }
  }
  if (config.sync_always)
    return { level: 'strong', summary: 'one replica; every message is written through to the disk' }
  const seconds = Math.round((config.sync_interval ?? 0) / 1e9)
  return { level: 'weak', summary: `${written}; a loss of power may take the last ${seconds} s`, advice: ADVICE }
}

async function readConfig(monitor: string): Promise<NonNullable<Varz['jetstream']>['config']> {
  try {
    const response = await fetch(new URL('/varz', monitor), { signal: AbortSignal.timeout(2000) })
    const { jetstream } = (await response.json()) as Varz
    return jetstream?.config
  } catch {
    return undefined
  }
}
