import { DsError } from '@ds/core'
import type { Broker, Logger, Outcome, TaskAbortedError } from '@ds/core'
import type { AbortTarget } from '../held-delivery.ts'
import { outcomeOfAbort } from '../outcome.ts'
import { isWithin } from '../within.ts'
import { BrokerService } from './broker-service.ts'
import type { FromMember, MemberInit, ToMember } from './protocol.ts'
import type { RunnableDelivery } from './runner.ts'

/** The other end of a thread or process. */
export interface MemberTransport {
  send(message: ToMember): void
  /** Ends it at once, whatever it does. */
  kill(): void
}

export interface MemberEvents {
  readonly onMessage: (message: FromMember) => void
  /** It ended; `reason` says how. Called once, after its last message. */
  readonly onExit: (reason: string) => void
}

/** Starts a thread or process. */
export type SpawnMember = (events: MemberEvents) => MemberTransport

export interface MemberOptions {
  readonly isolation: 'thread' | 'process'
  readonly spawn: SpawnMember
  readonly init: MemberInit
  readonly broker: Broker
  readonly logger: Logger
}

/** Milliseconds after which somebody may wonder what a start waits for. */
const SLOW_START = 10_000

interface CurrentRun {
  readonly number: number
  readonly held: RunnableDelivery
  readonly resolve: (outcome: Outcome | undefined) => void
  begun: boolean
}

/** A thread or process that runs one task at a time, as its worker sees it. */
export class Member implements AbortTarget {
  readonly #options: MemberOptions
  readonly #transport: MemberTransport
  readonly #service: BrokerService
  readonly #ready = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  #alive = true
  #killed = false
  #runs = 0
  #current: CurrentRun | undefined

  constructor(options: MemberOptions) {
    this.#options = options
    this.#transport = options.spawn({
      onMessage: (message) => this.#onMessage(message),
      onExit: (reason) => this.#onExit(reason),
    })
    this.#service = new BrokerService(options.broker, (message) => this.#send(message))
    this.#send({ type: 'start', init: options.init })
    this.#sayIfSlow()
  }

  get alive(): boolean {
    return this.#alive
  }

  /** Resolves when it can run tasks; rejects when it could not be started. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }

  /**
   * Runs a task. Resolves with `lost` when the thread or process dies under it, and with nothing when it had died before it began: then
   * the task can run elsewhere.
   */
  run(held: RunnableDelivery): Promise<Outcome | undefined> {
    const number = (this.#runs += 1)
    return new Promise((resolve) => {
      this.#current = { number, held, resolve, begun: false }
      this.#send({ type: 'run', run: number, delivery: held.delivery })
      held.begin(this)
    })
  }

  abort({ kind, message }: TaskAbortedError): void {
    if (this.#current) this.#send({ type: 'abort', run: this.#current.number, kind, message })
  }

  graceOver(): void {
    const held = this.#current?.held
    if (!held) return
    const { id, name, attempt } = held.task
    const { isolation, logger } = this.#options
    const message = `${name} did not end within its grace after its signal fired (${held.aborted?.kind}): its ${isolation} is ended`
    logger.warn(message, { task: id, attempt })
    this.kill()
  }

  kill(): void {
    this.#killed = true
    this.#transport.kill()
  }

  /** Lets it tear down its dependencies and end; after `patience` (ms) it is made to. */
  async stop(patience: number): Promise<void> {
    if (this.#current) this.kill()
    else this.#send({ type: 'stop' })
    if (!(await isWithin(patience, this.#exited.promise))) this.kill()
    await this.#exited.promise
  }

  #sayIfSlow(): void {
    const { isolation, init, logger } = this.#options
    const say = (): void =>
      logger.warn(`A ${isolation} is still loading ${init.appModule} after ${SLOW_START / 1000} s`)
    const timer = setTimeout(say, SLOW_START)
    const started = (): void => clearTimeout(timer)
    this.#ready.promise.then(started, started)
  }

  #send(message: ToMember): void {
    if (this.#alive) this.#transport.send(message)
  }

  #onMessage(message: FromMember): void {
    switch (message.type) {
      case 'ready':
        return this.#ready.resolve()
      case 'failed':
        this.#ready.reject(
          new DsError('AppInvalid', `A ${this.#options.isolation} could not start: ${message.error.message}`),
        )
        return this.kill()
      case 'log':
        return this.#options.logger[message.level](message.message, message.fields)
      case 'call':
        return void this.#service.call(message)
      case 'subscribe':
        return void this.#service.subscribe(message)
      case 'unsubscribe':
        return this.#service.unsubscribe(message.subscription)
      case 'begun':
      case 'outcome':
      case 'progress':
      case 'flush':
      case 'suspend':
      case 'resume':
        if (message.run === this.#current?.number) this.#onRunMessage(this.#current, message)
    }
  }

  #onRunMessage(current: CurrentRun, message: Extract<FromMember, { run: number }>): void {
    const { held, number } = current
    switch (message.type) {
      case 'begun':
        current.begun = true
        return
      case 'outcome':
        this.#current = undefined
        return current.resolve(message.outcome)
      case 'progress':
        return held.report(message.progress)
      case 'flush':
        return held.flush()
      case 'suspend':
        return held.suspend()
      case 'resume':
        return void held.resume().then(() => this.#send({ type: 'resumed', run: number }))
    }
  }

  #onExit(reason: string): void {
    const { isolation } = this.#options
    this.#alive = false
    this.#service.close()
    this.#ready.reject(new DsError('AppInvalid', `A ${isolation} ended before it could run a task: ${reason}`))
    this.#endCurrent(reason)
    this.#exited.resolve()
  }

  #endCurrent(reason: string): void {
    if (!this.#current) return
    const { held, resolve, begun } = this.#current
    this.#current = undefined
    if (this.#killed && held.aborted) {
      return resolve(
        outcomeOfAbort({ definition: held.definition, task: held.task, aborted: held.aborted }, held.aborted),
      )
    }
    if (!begun) return resolve(undefined)
    const { id, name, attempt } = held.task
    const { isolation, logger } = this.#options
    logger.error(`The ${isolation} that ran ${name} died: ${reason}`, { task: id, attempt })
    resolve({ type: 'lost' })
  }
}
