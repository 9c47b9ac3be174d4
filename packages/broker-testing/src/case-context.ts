import { randomBytes } from 'node:crypto'
import { guardBroker } from '@ds/core'
import type { Broker, BrokerCapabilities } from '@ds/core'
import type { BrokerUnderTest, CreateOptions, FaultyServer } from './broker-under-test.ts'
import { CheckFailed, show } from './check.ts'
import { within } from './faults/waiting.ts'
import type { FaultReport } from './report.ts'
import type { Tolerances } from './tolerances.ts'

/** What {@link CaseContext.until} takes for "not yet". */
export type Falsy = undefined | false | 0 | ''

/** Thrown by {@link CaseContext.skip}. */
export class CaseSkipped extends Error {}

/** What all cases of a run share. */
export interface RunSettings {
  readonly target: BrokerUnderTest
  readonly capabilities: BrokerCapabilities
  readonly tolerances: Tolerances
  /** How many runs share the machine. */
  readonly load: number
  /** `full` takes the sizes that the cases are named after; `test` smaller ones where a case would take minutes. */
  readonly scale: 'test' | 'full'
  /** Milliseconds after which a case fails, where its own time is longer. */
  readonly longest?: number
}

const CLOSE_TIMEOUT = 15_000

/** What a case works with: brokers of a namespace of its own, waits with bounds, and an end that cleans up. */
export class CaseContext {
  readonly settings: RunSettings
  /** Of this case alone. */
  readonly namespace: string
  /** The queue that tasks go to when nothing else is said; of this case alone. */
  readonly queue: string
  /** What happened at faults, for the report. */
  readonly faults: Omit<FaultReport, 'case'>[] = []
  readonly #cleanUps: (() => Promise<unknown>)[] = []
  readonly #raw = new Map<Broker, Broker>()
  readonly #over = new AbortController()
  #step = 'it began'
  #names = 0

  constructor(settings: RunSettings, label: string) {
    this.settings = settings
    const unique = `${label.replaceAll(/[^a-z0-9]+/g, '-').slice(0, 20)}-${randomBytes(5).toString('hex')}`
    this.namespace = `kit-${unique}`
    this.queue = `q-${unique}`
  }

  /** What the kit was given of the broker. */
  get target(): BrokerUnderTest {
    return this.settings.target
  }

  /** What the broker declared once connected. */
  get capabilities(): BrokerCapabilities {
    return this.settings.capabilities
  }

  /** How late things may be in this run. */
  get tolerances(): Tolerances {
    return this.settings.tolerances
  }

  /** Fires when the case has ended, however it did. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** What the case did last, for the message of a case that does not end. */
  get step(): string {
    return this.#step
  }

  /** A text that no other call gives. */
  name(prefix: string): string {
    this.#names += 1
    return `${prefix}-${this.#names}`
  }

  /** A guarded broker that is not connected. Closed at the end of the case. */
  make(options: CreateOptions = {}): Broker {
    return this.adopt(this.target.create({ namespace: this.namespace, ...options }))
  }

  /** Guards a broker that was made elsewhere. Closed at the end of the case. */
  adopt(broker: Broker): Broker {
    const guarded = guardBroker(broker)
    this.#raw.set(guarded, broker)
    this.atEnd(() => guarded.close())
    return guarded
  }

  /** A guarded, connected broker. Closed at the end of the case. */
  async open(options: CreateOptions = {}): Promise<Broker> {
    const broker = this.make(options)
    await broker.connect({ timeout: this.tolerances.patience, signal: this.signal })
    return broker
  }

  /** The adapter's own broker behind one of this case. */
  rawOf(broker: Broker): Broker {
    return this.#raw.get(broker) ?? broker
  }

  /** What another process would have: a second broker on the same tasks, or the same one where tasks live in one process. */
  async another(broker: Broker, options: CreateOptions = {}): Promise<Broker> {
    return this.capabilities.shared ? this.open(options) : broker
  }

  /** A server that this case may stop and cut. Closed at the end. */
  async server(options: { proxied: boolean } = { proxied: false }): Promise<FaultyServer> {
    const { startServer } = this.target
    if (!startServer) return this.skip('no server to break')
    const server = await startServer(options)
    this.atEnd(() => server.close())
    return server
  }

  /** To be done when the case has ended, the last first. */
  atEnd(cleanUp: () => Promise<unknown>): void {
    this.#cleanUps.push(cleanUp)
  }

  /** Ends the case without a verdict; the report prints the reason. */
  skip(reason: string): never {
    throw new CaseSkipped(reason)
  }

  /**
   * Tries until `attempt` gives something truthy, and gives that. Anything else and errors count as "not yet".
   * `what` follows the words "Waited 5 s for".
   */
  async until<Value>(
    what: string,
    attempt: () => Value | Falsy | Promise<Value | Falsy>,
    timeout: number = this.tolerances.patience,
  ): Promise<Value> {
    this.#step = `it waited for ${what}`
    const deadline = performance.now() + timeout
    let last: unknown
    for (let pause = 2; ; pause = Math.min(50, pause * 2)) {
      try {
        last = await attempt()
        if (last) return last as Value
      } catch (error) {
        last = error
      }
      this.signal.throwIfAborted()
      if (performance.now() > deadline) break
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
    const seen = last ? `: ${show(last)}` : ''
    throw new CheckFailed(`Waited ${timeout / 1000} s for ${what}${seen}`, { cause: last })
  }

  /** The promise, with a bound: what never ends fails with a message instead of the whole case's time. */
  async soon<Value>(what: string, promise: Promise<Value>, timeout: number = this.tolerances.patience): Promise<Value> {
    this.#step = `it waited for ${what}`
    const answer = await within(
      promise.then((value) => ({ value })),
      timeout,
    )
    if (answer) return answer.value
    throw new CheckFailed(`Waited ${timeout / 1000} s for ${what}`)
  }

  /** A time in which something must not happen. The only wait without a condition: there is none to wait for. */
  async watchFor(milliseconds: number): Promise<void> {
    this.#step = `it watched for ${milliseconds} ms`
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
  }

  /** Undoes what the case did. Rejects when something could not be closed in time. */
  async end(): Promise<void> {
    this.#over.abort(new CheckFailed('The case is over'))
    const failures: unknown[] = []
    for (const cleanUp of this.#cleanUps.reverse()) {
      try {
        await this.#bounded(cleanUp())
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #bounded(closing: Promise<unknown>): Promise<void> {
    const done = await within(
      closing.then(() => true),
      CLOSE_TIMEOUT * this.settings.load,
    )
    if (!done) throw new CheckFailed(`close() at the end of the case did not resolve within ${CLOSE_TIMEOUT / 1000} s`)
  }
}
