import type { BrokerHealth, HealthCheck } from '@ds/core'
import type { NatsParts } from './parts.ts'

const PATIENCE = 3000

/** What the broker says of its own condition. */
export async function healthOf({ link, consumers, durability }: NatsParts): Promise<BrokerHealth> {
  const checks = [await checkConnection(link), ...[...consumers].flatMap((consumer) => consumer.checks())]
  return { ok: checks.every(({ ok }) => ok), checks, durability }
}

async function checkConnection(link: NatsParts['link']): Promise<HealthCheck> {
  let message: string | undefined
  try {
    await Promise.race([link.call('asking for its health', () => link.client.flush()), late()])
  } catch (error) {
    message = error instanceof Error ? error.message : String(error)
  }
  const { lastAnswerAt } = link
  return {
    name: 'connection',
    ok: message === undefined,
    ...(lastAnswerAt !== undefined && { lastRoundTripAt: lastAnswerAt }),
    ...(message !== undefined && { message }),
  }
}

function late(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`NATS did not answer within ${PATIENCE} ms`)), PATIENCE).unref()
  })
}
