import type { BrokerHealth, HealthCheck } from '@ds/core'
import type { NatsParts } from './parts.ts'

const PATIENCE = 3000

/** What the broker says of its own condition. */
export async function healthOf(parts: NatsParts): Promise<BrokerHealth> {
  const [connection, storage] = await Promise.all([checkConnection(parts.link), checkStorage(parts)])
  const consumers = [...parts.consumers].flatMap((consumer) => consumer.checks())
  const told = [storage, parts.denials.check()].filter((check) => check !== undefined)
  const checks = [connection, ...told, ...consumers]
  return { ok: checks.every(({ ok }) => ok), checks, durability: parts.durability }
}

/** Whether there is room for another message. Undefined where nobody says: that is the connection's matter. */
async function checkStorage({ marks }: NatsParts): Promise<HealthCheck | undefined> {
  const hasRoom = await Promise.race([marks.hasRoom(), late()]).catch(() => undefined)
  if (hasRoom === undefined) return undefined
  return { name: 'storage', ok: hasRoom, ...(!hasRoom && { message: 'NATS has no room left for another message' }) }
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
