import { existsSync } from 'node:fs'
import path from 'node:path'
import { guard } from '../faults/guard.ts'
import { freePort, loopback } from '../faults/ports.ts'
import { waitUntil } from '../faults/waiting.ts'
import { PortTakenError, ServerStartError, ServerUnavailableError } from './errors.ts'
import { exchange } from './exchange.ts'
import { startOnFreePorts } from './ground.ts'
import { askKafka } from './kafka/probe.ts'
import { askRedis } from './redis/probe.ts'
import { findProgram, runCommand } from './run-command.ts'
import type { ServerKind, TestServer } from './server.ts'

/**
 * Starts a process of our own; where its program cannot be had, a container from the repository's compose.yaml instead.
 * A container knows the default settings only, so `plain` says whether those will do.
 */
export async function processOrContainer(
  kind: ServerKind,
  plain: boolean,
  startProcess: () => Promise<TestServer>,
): Promise<TestServer> {
  try {
    return await startProcess()
  } catch (error) {
    if (!(error instanceof ServerUnavailableError)) throw error
    if (!plain) throw new ServerUnavailableError(kind, [...error.reasons, 'docker compose: only for default settings'])
    const compose = await findCompose().catch((reason: Error) => reason)
    if (compose instanceof Error) {
      throw new ServerUnavailableError(kind, [...error.reasons, `docker compose: ${compose.message}`])
    }
    return startOnFreePorts(async () => new Container(kind, compose, await freePort()))
  }
}

/** Docker listens on a published port before the server does, so each is asked in its own language. */
const serves: Record<ServerKind, (port: number) => Promise<boolean>> = {
  redis: async (port) => (await askRedis({ port }, ['PING']))[0] === 'PONG',
  nats: async (port) => {
    const greeting = await exchange({ port }, Buffer.alloc(0), (received) => received.includes('\r\n'))
    return greeting.toString().startsWith('INFO ')
  },
  kafka: async (port) => (await askKafka(port)).nodeIds.length > 0,
}

/** The command line that compose begins with, and the file that describes the containers. */
interface Compose {
  command: readonly string[]
  file: string
}

/** @throws Error that says why there is no docker compose to run the repository's containers with. */
export async function findCompose(): Promise<Compose> {
  const docker = findProgram('docker')
  if (docker === undefined) throw new Error('docker is not installed')
  await runCommand(docker, ['compose', 'version'], { timeoutMs: 30_000 })
  await runCommand(docker, ['info'], { timeoutMs: 30_000 })
  return { command: [docker, 'compose'], file: findComposeFile(import.meta.dirname) }
}

function findComposeFile(folder: string): string {
  const file = path.join(folder, 'compose.yaml')
  if (existsSync(file)) return file
  if (folder === path.dirname(folder)) throw new Error('there is no compose.yaml above this package')
  return findComposeFile(path.dirname(folder))
}

/** A server in a container of its own compose project. Its process is not visible, so it has no pid. */
class Container implements TestServer {
  readonly kind: ServerKind
  readonly host: string = loopback
  readonly port: number
  readonly version = 'container'
  readonly pid = undefined
  readonly dataDir = undefined
  readonly configuration = ''
  readonly certificates = undefined
  readonly controllable = true
  running = false
  readonly #compose: Compose
  readonly #project: string
  #release: (() => void) | undefined
  #log = ''

  constructor(kind: ServerKind, compose: Compose, port: number) {
    this.kind = kind
    this.port = port
    this.#compose = compose
    this.#project = `ds-test-${kind}-${process.pid}-${port}`
  }

  get url(): string {
    return `${this.kind}://${this.host}:${this.port}`
  }

  output(): string {
    return this.#log
  }

  async start(): Promise<void> {
    this.#release ??= await guard({ command: this.#line('down', '--volumes', '--timeout', '0') })
    try {
      await this.#run('up', '--detach', this.kind)
      this.running = true
      await this.waitUntilReady()
    } catch (error) {
      const taken = /already (in use|allocated)/.test(String(error))
      const Failure = taken ? PortTakenError : ServerStartError
      throw new Failure(`The ${this.kind} container did not start on port ${this.port}`, String(error), error)
    }
  }

  async stop(): Promise<void> {
    await this.#run('stop', this.kind)
    this.running = false
  }

  async kill(): Promise<void> {
    await this.#run('kill', this.kind)
    this.running = false
  }

  async pause(): Promise<void> {
    await this.#run('pause', this.kind)
  }

  async resume(): Promise<void> {
    await this.#run('unpause', this.kind)
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async waitUntilReady(timeoutMs = 120_000): Promise<void> {
    const what = `the ${this.kind} container to answer`
    await waitUntil(() => serves[this.kind](this.port), { what, timeoutMs, intervalMs: 100 })
  }

  async close(): Promise<void> {
    if (this.#release === undefined) return
    this.#log = await this.#run('logs', '--no-color', this.kind)
    await this.#run('down', '--volumes', '--timeout', '0')
    this.running = false
    this.#release()
    this.#release = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #line(...parameters: string[]): string[] {
    return [...this.#compose.command, '--project-name', this.#project, '--file', this.#compose.file, ...parameters]
  }

  async #run(...parameters: string[]): Promise<string> {
    const [command = '', ...rest] = this.#line(...parameters)
    return runCommand(command, rest, { environment: { [`DS_${this.kind.toUpperCase()}_PORT`]: String(this.port) } })
  }
}
