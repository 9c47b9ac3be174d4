import { BrokerUnavailableError } from '@ds/core'
import type { DsError } from '@ds/core'
import { isUnknownScript, toBrokerError } from './errors.ts'
import { Link, pause, SILENCE } from './link.ts'
import type { OpenLimits } from './link.ts'
import type { Script } from './lua/index.ts'
import type { RedisClient, ResolvedOptions } from './options.ts'

type Arguments = readonly (string | number)[]

export interface RunOptions {
  /** Waits for replicas as well, where the options of the broker say so. */
  readonly durable?: boolean
  /** Sends it now, without waiting for what else this tick brings. */
  readonly atOnce?: boolean
}

/** Runs a script in the namespace. */
export type RunScript = (script: Script, args: Arguments, options?: RunOptions) => Promise<unknown>

/** Something to send in this tick. */
interface Call extends RunOptions {
  readonly name: string
  readonly args: Arguments
  readonly script?: Script
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: DsError) => void
}

/**
 * A connection for commands that answer at once. All that is called in one tick travels in one write: so do a `settle` and the `receive`
 * after it.
 */
export class Connection {
  readonly #link: Link
  readonly #options: ResolvedOptions
  readonly #prefix: string
  readonly #calls: Call[] = []
  #underWay = 0
  #lastAnswerAt: number | undefined
  #cuts = 0

  constructor(options: ResolvedOptions, prefix: string) {
    this.#options = options
    this.#prefix = prefix
    this.#link = new Link(options)
    this.client.on('close', () => (this.#cuts += 1))
  }

  get client(): RedisClient {
    return this.#link.client
  }

  /** When the server answered last, by this process's clock. */
  get lastAnswerAt(): number | undefined {
    return this.#lastAnswerAt
  }

  /** How often the connection was lost. */
  get cuts(): number {
    return this.#cuts
  }

  open(limits: OpenLimits): Promise<void> {
    return this.#link.open(limits)
  }

  /** Runs a script, which it teaches the server where that does not know it. */
  readonly run: RunScript = (script, args, options) => {
    return new Promise((resolve, reject) => {
      this.#add({ ...options, name: 'evalsha', args: [script.sha, 1, this.#prefix, ...args], script, resolve, reject })
    })
  }

  call(name: string, ...args: Arguments): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#add({ name, args, resolve, reject })
    })
  }

  /** As {@link Connection.call}, where the answer is not text. */
  async callBuffer(name: string, ...args: Arguments): Promise<unknown> {
    try {
      return await this.#link.answered(this.client.callBuffer(name, ...args))
    } catch (error) {
      throw toBrokerError(error, this.#options.address)
    }
  }

  /** Waits so long for what is under way, and leaves no socket. */
  async close(patience: number = SILENCE): Promise<void> {
    const end = Date.now() + patience
    while ((this.#underWay > 0 || this.#calls.length > 0) && Date.now() < end) await pause(5)
    await this.#link.close()
  }

  #add(call: Call): void {
    if (call.atOnce) return void this.#send([call])
    this.#calls.push(call)
    // Behind the promise jobs of this tick, so that all they add travels together.
    if (this.#calls.length === 1) process.nextTick(() => void this.#send(this.#calls.splice(0)))
  }

  async #send(calls: readonly Call[]): Promise<void> {
    this.#underWay += calls.length
    try {
      await this.#exchange(calls)
    } catch (error) {
      for (const call of calls) call.reject(toBrokerError(error, this.#options.address))
    } finally {
      this.#underWay -= calls.length
    }
  }

  async #exchange(calls: readonly Call[]): Promise<void> {
    const { wait } = this.#options
    const waits = wait !== undefined && calls.some(({ durable }) => durable)
    const [first] = calls
    if (calls.length === 1 && first && !waits) return this.#exchangeOne(first)
    const pipeline = this.client.pipeline()
    for (const { name, args } of calls) pipeline.call(name, ...args)
    if (waits) pipeline.call('wait', wait.replicas, wait.timeout)
    const answers = (await this.#link.answered(pipeline.exec())) ?? []
    const confirmed = waits ? Number(answers.at(-1)?.[1] ?? 0) : Infinity
    for (const [index, call] of calls.entries()) this.#answer(call, answers[index], confirmed)
  }

  /** Without the price of a pipeline. */
  async #exchangeOne(call: Call): Promise<void> {
    try {
      const value = await this.#link.answered(this.client.call(call.name, ...call.args))
      this.#answer(call, [null, value], Infinity)
    } catch (error) {
      this.#answer(call, [error as Error, undefined], Infinity)
    }
  }

  #answer(call: Call, answer: [Error | null, unknown] | undefined, confirmed: number): void {
    const [error, value] = answer ?? [new Error('Connection is closed')]
    if (error && call.script && isUnknownScript(error)) return void this.#teach(call, call.script)
    if (error) return call.reject(toBrokerError(error, this.#options.address))
    this.#lastAnswerAt = Date.now()
    const { wait, address } = this.#options
    if (!call.durable || !wait || confirmed >= wait.replicas) return call.resolve(value)
    call.reject(
      new BrokerUnavailableError(
        `Only ${confirmed} of ${wait.replicas} replicas of Redis at ${address} confirmed within ${wait.timeout} ms`,
        { fix: 'Look after the replicas, or ask for fewer in the option wait' },
      ),
    )
  }

  /** Sends the text of a script that the server does not know; it remembers it from then on. */
  async #teach(call: Call, script: Script): Promise<void> {
    const [, ...rest] = call.args
    this.#underWay += 1
    try {
      const pipeline = this.client.pipeline().call('eval', script.source, ...rest)
      const { wait } = this.#options
      if (wait && call.durable) pipeline.call('wait', wait.replicas, wait.timeout)
      const answers = (await this.#link.answered(pipeline.exec())) ?? []
      this.#answer({ ...call, args: [] }, answers[0], wait && call.durable ? Number(answers[1]?.[1] ?? 0) : Infinity)
    } catch (error) {
      call.reject(toBrokerError(error, this.#options.address))
    } finally {
      this.#underWay -= 1
    }
  }
}
