import { loopback } from '../../faults/ports.ts'

/** Asks nats-server's monitoring port. Loopback: what does not answer within 2 s is not ready. */
export async function askNats(port: number, page: 'healthz' | 'varz'): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://${loopback}:${port}/${page}`, { signal: AbortSignal.timeout(2_000) })
  if (!answer.ok) throw new Error(`nats-server is not healthy: ${await answer.text()}`)
  return (await answer.json()) as Record<string, unknown>
}
