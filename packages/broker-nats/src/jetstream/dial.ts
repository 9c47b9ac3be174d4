import { BrokerUnavailableError } from '@ds/core'
import { connect } from '@nats-io/transport-node'
import type { NatsConnection } from '@nats-io/transport-node'
import { permanent, reasonOf } from './errors.ts'
import { awaitGreeting } from './greeting.ts'
import type { Settings } from '../options.ts'

const DIAL_TIMEOUT = 2000
const DIAL_WAIT = 200

/**
 * Connects, again and again `until` then, by `performance.now()`. The client that it gives reconnects by itself, for ever.
 * @throws BrokerRefusedError at once where trying again cannot help; BrokerUnavailableError in the end, or when aborted
 */
export async function dial(
  settings: Settings,
  until: number,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  for (;;) {
    try {
      if (!wantsTlsFirst(settings)) await awaitGreeting(settings.servers, patience(until), signal)
      return await connectOnce(settings, patience(until), signal)
    } catch (error) {
      const refused = permanent(error, 'connecting')
      if (refused) throw refused
      if (signal?.aborted) throw new BrokerUnavailableError('Connecting to NATS was aborted', { cause: error })
      if (performance.now() + DIAL_WAIT >= until) {
        const fix = 'Check the address, and that the server runs'
        const what = `NATS at ${settings.address} cannot be reached: ${reasonOf(error)}`
        throw new BrokerUnavailableError(what, { fix, cause: error })
      }
      await pause(DIAL_WAIT, signal)
    }
  }
}

function patience(until: number): number {
  return Math.max(1, Math.min(DIAL_TIMEOUT, until - performance.now()))
}

function wantsTlsFirst({ connection: { tls } }: Settings): boolean {
  return tls?.handshakeFirst === true
}

async function connectOnce(
  settings: Settings,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<NatsConnection> {
  const connecting = connect({
    name: 'ds',
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 5000,
    maxPingOut: 2,
    // A trace of each request costs as much as the request.
    noAsyncTraces: true,
    ...settings.connection,
    servers: [...settings.servers],
    timeout,
    maxReconnectAttempts: -1,
    // A server that is set up wrong may be set right again: who was connected waits for that, as for any other outage.
    ignoreAuthErrorAbort: true,
    waitOnFirstConnect: false,
  })
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(new Error('aborted'))
    signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
  })
  try {
    return await Promise.race([connecting, aborted])
  } catch (error) {
    // One that arrives after the abort would stay open for ever.
    connecting
      .then(
        (late) => late.close(),
        () => undefined,
      )
      .catch(() => undefined)
    throw error
  }
}

function pause(time: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time)
    signal?.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true })
  })
}
