import { createConnection } from 'node:net'
import { BrokerRefusedError } from '@ds/core'

const DEFAULT_PORT = 4222
const GREETING = 'INFO '

/**
 * Waits until one of the servers has said what a NATS server says first. The client would keep a socket for each that takes a connection and
 * stays silent, as a load balancer does with nothing behind it.
 * @throws BrokerRefusedError where all are of another kind; an Error with the reason where none says anything in time
 */
export async function awaitGreeting(
  servers: readonly string[],
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await Promise.any(servers.map((server) => greetingOf(server, timeout, signal)))
  } catch (error) {
    if (!(error instanceof AggregateError)) throw error
    const reasons = error.errors as Error[]
    // One of another kind is no reason to give up where another member may come back.
    throw reasons.find((reason) => !(reason instanceof BrokerRefusedError)) ?? reasons[0] ?? error
  }
}

function greetingOf(server: string, timeout: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...addressOf(server), ...(signal && { signal }) })
    const end = (failure?: Error): void => {
      clearTimeout(late)
      socket.destroy()
      if (failure) reject(failure)
      else resolve()
    }
    const late = setTimeout(() => end(new Error(socket.connecting ? NO_CONNECTION : SILENCE)), timeout)
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1')
      if (heard.length < GREETING.length && GREETING.startsWith(heard)) return
      end(heard.startsWith(GREETING) ? undefined : notNats(server))
    })
    socket.on('error', (error) => end(error))
    socket.on('close', () => end(new Error('it closed the connection')))
  })
}

const NO_CONNECTION = 'it took no connection in time'
const SILENCE = 'it took a connection and said nothing: something else listens there, or it wants TLS first'

function notNats(server: string): BrokerRefusedError {
  return new BrokerRefusedError(`What listens at ${server} is no NATS server`, {
    fix: 'Check host and port of the URL',
  })
}

function addressOf(server: string): { host: string; port: number } {
  const [, host = server, port] = /^(.*?)(?::(\d+))?$/.exec(server) ?? []
  return { host: host.replace(/^\[|\]$/g, ''), port: port === undefined ? DEFAULT_PORT : Number(port) }
}
