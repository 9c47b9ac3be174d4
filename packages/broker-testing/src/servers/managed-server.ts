import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loopback } from '../faults/ports.ts'
import { startProcess } from '../faults/watched-process.ts'
import { within } from '../faults/waiting.ts'
import type { WatchedProcess } from '../faults/watched-process.ts'
import type { Certificates } from './certificates.ts'
import { PortTakenError, ServerControlError, ServerStartError } from './errors.ts'
import type { Ground } from './ground.ts'
import type { Installation } from './installation.ts'
import type { ServerKind, TestServer } from './server.ts'

/** All that differs between one server and another. */
export interface Blueprint {
  kind: ServerKind
  installation: Installation
  ground: Ground
  url: string
  port: number
  /** The text of the configuration file, and its name. */
  configuration: string
  configurationFile: string
  /** What follows the configuration file on the command line. */
  trailingArguments?: readonly string[]
  certificates?: Certificates
  /** What is to be done once, before the first start, when the configuration file is there. */
  prepare?: (configurationFile: string) => Promise<void>
  /** Whether the process with this pid serves clients on its port. It may throw: that is a no. */
  isReady: (pid: number) => Promise<boolean>
  /** How long a start may take. */
  readyTimeoutMs: number
  /** How long an orderly stop may take. */
  stopTimeoutMs: number
}

// A restarted server must come back on its port; a client's or another test's attempt there is over soon.
const portPatienceMs = 15_000

/** A server in a process of its own, which cannot outlive this process unless it is let go. */
export class ManagedServer implements TestServer {
  readonly host: string = loopback
  readonly controllable = true
  readonly #blueprint: Blueprint
  readonly #logFile: string
  #process: WatchedProcess | undefined
  #starting: Promise<void> | undefined
  #prepared = false
  /** It has been ready before: from then on it has its port for life. */
  #proven = false
  #closed = false

  constructor(blueprint: Blueprint) {
    this.#blueprint = blueprint
    this.#logFile = path.join(blueprint.ground.dataDir, 'server.log')
  }

  get kind(): ServerKind {
    return this.#blueprint.kind
  }

  get url(): string {
    return this.#blueprint.url
  }

  get port(): number {
    return this.#blueprint.port
  }

  get version(): string {
    return this.#blueprint.installation.version
  }

  get dataDir(): string {
    return this.#blueprint.ground.dataDir
  }

  get configuration(): string {
    return this.#blueprint.configuration
  }

  get certificates(): Certificates | undefined {
    return this.#blueprint.certificates
  }

  get running(): boolean {
    return this.#process?.running ?? false
  }

  get pid(): number | undefined {
    return this.running ? this.#process?.pid : undefined
  }

  output(): string {
    return existsSync(this.#logFile) ? readFileSync(this.#logFile, 'utf8') : ''
  }

  async start(): Promise<void> {
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined))
    await this.#starting
  }

  async stop(): Promise<void> {
    await this.#process?.stop(this.#blueprint.stopTimeoutMs)
  }

  async kill(): Promise<void> {
    await this.#process?.kill()
  }

  async pause(): Promise<void> {
    await this.#process?.pause()
  }

  async resume(): Promise<void> {
    this.#process?.resume()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async waitUntilReady(timeoutMs: number = this.#blueprint.readyTimeoutMs): Promise<void> {
    const deadline = performance.now() + timeoutMs
    let cause: unknown
    while (performance.now() < deadline) {
      const current = this.#process
      if (!current?.running) throw this.#failure('does not run')
      // Somebody else on the port may leave the question unanswered while our process has long ended.
      const ended = current.exited.then(() => false)
      try {
        const answer = Promise.race([this.#blueprint.isReady(current.pid), ended])
        if (await within(answer, deadline - performance.now())) return
      } catch (error) {
        cause = error
      }
      await delay(20)
    }
    throw this.#failure(`was not ready within ${timeoutMs / 1000} s`, cause)
  }

  /** Lets the server and its folder outlive this process; whoever needs it to end does so by its pid. */
  letGo(): void {
    this.#process?.letGo()
    this.#blueprint.ground.letGo()
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#process?.close()
    await this.#blueprint.ground.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #start(): Promise<void> {
    if (this.running) return this.waitUntilReady()
    this.#refuseClosed()
    await this.#prepare()
    const deadline = performance.now() + (this.#proven ? portPatienceMs : 0)
    for (;;) {
      this.#refuseClosed()
      try {
        return await this.#launch()
      } catch (error) {
        if (!(error instanceof PortTakenError) || performance.now() > deadline) throw error
      }
      await delay(100)
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new ServerControlError(`This ${this.kind} server is closed. Start a new one.`)
  }

  async #prepare(): Promise<void> {
    if (this.#prepared) return
    await writeFile(this.#configurationPath(), this.configuration)
    try {
      await this.#blueprint.prepare?.(this.#configurationPath())
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error)
      throw new ServerStartError(`${this.#where()} could not be prepared`, said, error)
    }
    this.#prepared = true
  }

  async #launch(): Promise<void> {
    const { installation, trailingArguments = [] } = this.#blueprint
    const logged = this.output().length
    const started = await startProcess({
      command: installation.command,
      arguments: [...installation.arguments, this.#configurationPath(), ...trailingArguments],
      workingDirectory: this.dataDir,
      logFile: this.#logFile,
    })
    this.#process = started
    try {
      await this.waitUntilReady()
      this.#proven = true
    } catch (error) {
      await started.close()
      if (/address already in use/i.test(this.output().slice(logged))) {
        throw new PortTakenError(`Port ${this.port} of a ${this.kind} server was taken`, this.output())
      }
      throw error
    }
  }

  #configurationPath(): string {
    return path.join(this.dataDir, this.#blueprint.configurationFile)
  }

  #where(): string {
    return `The ${this.kind} server ${this.version} on port ${this.port}`
  }

  #failure(what: string, cause?: unknown): ServerStartError {
    return new ServerStartError(`${this.#where()} ${what}`, this.output(), cause)
  }
}
