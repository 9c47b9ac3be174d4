import { connect } from 'node:net'
import { waitUntil } from '../faults/waiting.ts'
import { environmentVariable, ServerControlError, ServerStartError } from './errors.ts'
import type { ServerKind, TestServer } from './server.ts'

const usualPorts: Record<ServerKind, number> = { redis: 6379, nats: 4222, kafka: 9092 }

/**
 * The server that an environment variable names, if any. Tests use it as it is: it is never started, stopped or cleaned.
 */
export function findExternalServer(kind: ServerKind): ExternalServer | undefined {
  const url = process.env[environmentVariable(kind)]
  return url === undefined || url === '' ? undefined : new ExternalServer(kind, url)
}

/** A server that somebody else runs. */
export class ExternalServer implements TestServer {
  readonly kind: ServerKind
  readonly url: string
  readonly host: string
  readonly port: number
  readonly version = 'unknown'
  readonly pid = undefined
  readonly dataDir = undefined
  readonly configuration = ''
  readonly certificates = undefined
  readonly controllable = false
  readonly running = true

  constructor(kind: ServerKind, url: string) {
    this.kind = kind
    this.url = url
    const { hostname, port } = this.#parse()
    this.host = hostname
    this.port = port === '' ? usualPorts[kind] : Number(port)
  }

  output(): string {
    return ''
  }

  async waitUntilReady(timeoutMs = 3_000): Promise<void> {
    try {
      await waitUntil(() => this.#accepts(), { what: `${this.host}:${this.port} to accept connections`, timeoutMs })
    } catch (error) {
      const where = `${environmentVariable(this.kind)} names ${this.host}:${this.port}`
      throw new ServerStartError(`${where}, where no ${this.kind} server answered: start it, or unset it`, '', error)
    }
  }

  async close(): Promise<void> {
    // It is not ours to end.
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  start(): Promise<void> {
    return this.#refuse('start')
  }

  stop(): Promise<void> {
    return this.#refuse('stop')
  }

  kill(): Promise<void> {
    return this.#refuse('kill')
  }

  pause(): Promise<void> {
    return this.#refuse('pause')
  }

  resume(): Promise<void> {
    return this.#refuse('resume')
  }

  restart(): Promise<void> {
    return this.#refuse('restart')
  }

  #refuse(what: string): Promise<void> {
    const variable = environmentVariable(this.kind)
    const reason = `The ${this.kind} server was given by ${variable}, so tests may not ${what} it. Start one with ownProcess.`
    return Promise.reject(new ServerControlError(reason))
  }

  #parse(): URL {
    try {
      return new URL(this.url)
    } catch (cause) {
      const example = `${this.kind}://127.0.0.1:${usualPorts[this.kind]}`
      const message = `${environmentVariable(this.kind)} is not a URL like ${example}: ${this.url}`
      throw new ServerStartError(message, '', cause)
    }
  }

  #accepts(): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.host, port: this.port })
      socket.setTimeout(2_000, () => socket.destroy(new Error('no answer within 2 s')))
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
    })
  }
}
