import { createTaskManager, loadApp, TaskAbortedError, toTaskError, UnregisteredTaskError } from '@ds/core'
import type { App, Delivery, Outcome, TaskManager } from '@ds/core'
import { RunningContext } from '../context.ts'
import type { ExecutionRuntime } from '../context.ts'
import { DependencySet } from '../dependencies.ts'
import { executeDelivery } from '../execute-delivery.ts'
import { ForwardingLogger } from './forwarding-logger.ts'
import { MemberLink } from './member-link.ts'
import type { FromMember, MemberInit, ToMember } from './protocol.ts'
import { RemoteBroker } from './remote-broker.ts'

/** How a thread or process reaches its worker. */
export interface MemberPort {
  readonly isolation: 'thread' | 'process'
  readonly send: (message: FromMember) => void
  readonly onMessage: (listener: (message: ToMember) => void) => void
  /** Ends the thread or process. */
  readonly exit: () => void
}

/** Runs tasks for a worker in this thread or process, until it says stop. */
export function serveMember(port: MemberPort): void {
  const session = new MemberSession(port)
  port.onMessage((message) => session.onMessage(message))
}

interface CurrentRun {
  readonly number: number
  readonly context: RunningContext
  readonly link: MemberLink
}

class MemberSession {
  readonly #port: MemberPort
  readonly #stopping = new AbortController()
  readonly #logger: ForwardingLogger
  readonly #dependencies: DependencySet
  #broker: RemoteBroker | undefined
  #app: App | undefined
  #runtime: ExecutionRuntime | undefined
  #manager: TaskManager | undefined
  #current: CurrentRun | undefined

  constructor(port: MemberPort) {
    this.#port = port
    this.#logger = new ForwardingLogger((line) => port.send({ type: 'log', ...line }))
    this.#dependencies = new DependencySet({ signal: this.#stopping.signal, logger: this.#logger })
  }

  onMessage(message: ToMember): void {
    if (this.#broker?.onMessage(message)) return
    switch (message.type) {
      case 'start':
        void this.#start(message.init)
        return
      case 'run':
        void this.#run(message.run, message.delivery)
        return
      case 'abort':
        if (message.run === this.#current?.number)
          this.#current.context.abort(new TaskAbortedError(message.kind, message.message))
        return
      case 'resumed':
        if (message.run === this.#current?.number) this.#current.link.onResumed()
        return
      case 'stop':
        void this.#stop()
        return
      default:
        return
    }
  }

  async #start(init: MemberInit): Promise<void> {
    try {
      const { app } = await loadApp(init.appModule)
      const broker = new RemoteBroker(init.broker, this.#port.send)
      this.#app = app
      this.#broker = broker
      this.#runtime = {
        middleware: app.middleware.filter((item) => 'run' in item),
        logger: this.#logger,
        dependencies: this.#dependencies,
        maxPayload: init.maxPayload,
        manager: () => (this.#manager ??= createTaskManager(broker, { app, owned: false })),
      }
      this.#port.send({ type: 'ready' })
    } catch (error) {
      this.#port.send({ type: 'failed', error: toTaskError(error) })
    }
  }

  async #run(run: number, delivery: Delivery): Promise<void> {
    const outcome = await this.#outcomeOf(run, delivery)
    this.#current?.link.close()
    this.#current = undefined
    this.#port.send({ type: 'outcome', run, outcome })
  }

  async #outcomeOf(run: number, delivery: Delivery): Promise<Outcome> {
    const definition = this.#app?.tasks.get(delivery.task.name)
    if (!definition || !this.#runtime) return this.#unknownHere(delivery)
    const link = new MemberLink(run, this.#port.send)
    const context = new RunningContext(this.#runtime, { definition, delivery }, link)
    this.#current = { number: run, context, link }
    this.#port.send({ type: 'begun', run })
    return executeDelivery(this.#runtime, context, delivery.args)
  }

  #unknownHere({ task }: Delivery): Outcome {
    const names = [...(this.#app?.tasks.keys() ?? [])]
    const fix = `The App that the ${this.#port.isolation} loaded differs from its worker's: check appModule`
    return { type: 'error', error: toTaskError(new UnregisteredTaskError(task.name, names, fix)) }
  }

  async #stop(): Promise<void> {
    this.#stopping.abort()
    await this.#dependencies.tearDown()
    await this.#manager?.close()
    this.#port.exit()
  }
}
