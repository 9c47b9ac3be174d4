import { createTaskManager, openBroker, queueOf } from '@ds/core'
import type { App, Broker, BrokerHealth, TaskConsumer, TaskManager } from '@ds/core'
import { BrokerWatch, utilizationMeter } from './broker-watch.ts'
import type { ExecutionRuntime } from './context.ts'
import { Deliveries } from './deliveries.ts'
import { DependencySet } from './dependencies.ts'
import { checkIsolation, createRunners } from './isolation/runners.ts'
import type { Runners } from './isolation/runners.ts'
import { LeaseKeeper } from './lease-keeper.ts'
import { LoopWatch } from './loop-watch.ts'
import { failureLogger } from './middleware/logging.ts'
import { isObserver } from './observer.ts'
import type { WorkerObserver } from './observer.ts'
import { ReceiveLoop } from './receive-loop.ts'
import { endWork, listenForSignals } from './shutdown.ts'
import { Slots } from './slots.ts'
import { startedWorker, tellStarted } from './started-line.ts'
import type { StartedWorker } from './started-line.ts'
import { untilReachable } from './until-reachable.ts'
import { resolveWorkerOptions } from './worker-options.ts'
import type { ResolvedWorkerOptions, WorkerOptions } from './worker-options.ts'
import { NO_RUNS } from './worker-status.ts'
import type { WorkerState, WorkerStatus } from './worker-status.ts'
import { isWithin } from './within.ts'

/** Milliseconds each part of a worker may take to end before it is left. */
const END_PATIENCE = 5000

/** How a worker or a pool is run. */
export interface RunOptions {
  /** Shut down at SIGTERM and SIGINT, and end the process at the second one. Default false. */
  readonly signals?: boolean
}

/** What is set up step by step at the start, and taken down at the end as far as it got. */
interface WorkerParts {
  options: ResolvedWorkerOptions
  broker: Broker
  dependencies: DependencySet
  runners: Runners
  consumer: TaskConsumer
  manager: TaskManager
  deliveries: Deliveries
  keeper: LeaseKeeper
  loop: ReceiveLoop
  watch: LoopWatch
  brokerWatch: BrokerWatch
}

/**
 * The endless loop: receives tasks of its groups, runs their handlers, settles them. Outages of the broker are waited out.
 * @example
 * await new Worker({ app, concurrency: 20 }).run({ signals: true })
 */
export class Worker {
  readonly #given: WorkerOptions
  readonly #ending = new AbortController()
  readonly #parts: Partial<WorkerParts> = {}
  readonly #quiet: boolean
  readonly #ready = Promise.withResolvers<StartedWorker>()
  #state: WorkerState = 'new'
  #running: Promise<void> | undefined
  #failure: { readonly error: unknown } | undefined

  /** `quiet` leaves out the first line, where a pool writes one for all its workers. */
  constructor(options: WorkerOptions = {}, { quiet = false }: { quiet?: boolean } = {}) {
    this.#given = options
    this.#quiet = quiet
  }

  /**
   * Runs until it is stopped, and resolves when it has shut down. Calling it again gives the same promise.
   * @throws ConfigInvalidError, AppNotFoundError, AppInvalidError and others for what cannot work, before a task is taken.
   * @throws BrokerRefusedError, BrokerMisconfiguredError when the broker says no. An outage ends nothing.
   */
  run(options: RunOptions = {}): Promise<void> {
    this.#running ??= this.#run(options)
    return this.#running
  }

  /** Shuts down: receives nothing more, lets tasks end, gives back the rest. Resolves when that is done. */
  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running?.catch(() => undefined)
  }

  /** What it does just now, without asking the broker. Works in every state. */
  status(): WorkerStatus {
    const { options, broker, deliveries } = this.#parts
    const now = performance.now()
    return {
      state: this.#state,
      ...(options && describe(options)),
      ...(broker && { address: broker.address }),
      running: (deliveries?.running ?? []).map((held) => ({
        task: held.task,
        progress: held.progress,
        isolation: held.definition?.options.isolation ?? 'inline',
        duration: now - held.startedAt,
        ...(held.aborted && { aborted: held.aborted.kind }),
      })),
      counts: deliveries ? { ...deliveries.counts } : NO_RUNS,
    }
  }

  /** Resolves, with what it is, when it begins to take tasks. Never settles when it does not come to that: then `run` says why. */
  get ready(): Promise<StartedWorker> {
    return this.#ready.promise
  }

  /** The App it runs, once it is loaded. */
  get app(): App | undefined {
    return this.#parts.options?.app
  }

  /** The health of its broker; undefined before that is open. */
  async health(): Promise<BrokerHealth | undefined> {
    return this.#parts.broker?.health()
  }

  async #run({ signals = false }: RunOptions): Promise<void> {
    let stopListening: (() => void) | undefined
    try {
      this.#state = 'starting'
      const options = await resolveWorkerOptions(this.#given)
      this.#parts.options = options
      if (signals) stopListening = listenForSignals(() => this.#ending.abort(), options.logger)
      await this.#untilStarted(options)
      await fired(this.#ending.signal)
    } catch (error) {
      this.#failure ??= { error }
    }
    this.#state = 'stopping'
    this.#ending.abort()
    await this.#shutDown()
    stopListening?.()
    this.#state = 'stopped'
    if (this.#failure) throw this.#failure.error
  }

  /** A step that does not end, such as the setup of a dependency, does not keep the worker from being stopped. */
  async #untilStarted(options: ResolvedWorkerOptions): Promise<void> {
    const starting = this.#start(options)
    await Promise.race([starting, fired(this.#ending.signal).then(() => isWithin(END_PATIENCE, starting))])
  }

  async #start(options: ResolvedWorkerOptions): Promise<void> {
    const { app, appModule, groups, logger } = options
    const { signal } = this.#ending
    const definitions = [...app.tasks.values()].filter((definition) => groups.includes(definition.options.group))
    checkIsolation(definitions, appModule)
    const broker = await untilReachable(() => openBroker(options.broker, { timeout: '5s', signal }), { signal, logger })
    if (!broker) return
    this.#parts.broker = broker
    const runtime = this.#createRuntime(options, broker)
    await runtime.dependencies.setUpFor(definitions.filter(({ options: task }) => task.isolation === 'inline'))
    if (signal.aborted) return
    const runners = createRunners({ runtime, broker, appModule, logger })
    this.#parts.runners = runners
    const isolations = new Set(definitions.map((definition) => definition.options.isolation))
    await Promise.all([...isolations].map((isolation) => runners[isolation].start()))
    await this.#join(options, broker, runners)
  }

  #createRuntime({ app, logger }: ResolvedWorkerOptions, broker: Broker): ExecutionRuntime {
    const dependencies = new DependencySet({ signal: this.#ending.signal, logger })
    this.#parts.dependencies = dependencies
    return {
      middleware: app.middleware.filter((item) => 'run' in item),
      logger,
      dependencies,
      maxPayload: broker.capabilities.maxPayload,
      manager: () => (this.#parts.manager ??= createTaskManager(broker, { app, owned: false })),
    }
  }

  /** Joins the workers of its queues and begins to take tasks. */
  async #join(options: ResolvedWorkerOptions, broker: Broker, runners: Runners): Promise<void> {
    const { signal } = this.#ending
    const { logger } = options
    const consumer = await untilReachable(() => this.#openConsumer(options, broker), { signal, logger })
    if (!consumer) return
    this.#parts.consumer = consumer
    this.#assemble(options, { broker, consumer, runners })
    this.#state = 'running'
    const started = await startedWorker(options, broker)
    if (!this.#quiet) tellStarted(started, logger)
    this.#parts.keeper?.start()
    this.#parts.watch?.start()
    this.#parts.brokerWatch?.start()
    this.#parts.loop?.wake()
    this.#ready.resolve(started)
  }

  async #openConsumer({ app, id, groups, lease }: ResolvedWorkerOptions, broker: Broker): Promise<TaskConsumer> {
    await broker.announce(app.describe())
    return broker.openConsumer({
      queues: groups.map(queueOf),
      workerId: id,
      lease,
      onCancel: (notice) => this.#parts.deliveries?.cancel(notice),
    })
  }

  #assemble(options: ResolvedWorkerOptions, connected: Pick<WorkerParts, 'broker' | 'consumer' | 'runners'>): void {
    const { broker, consumer, runners } = connected
    const { app, id, logger, lease, progressInterval, unregistered } = options
    const onFailed = (error: unknown): void => this.#fail(error)
    const slots = new Slots(options.concurrency, () => loop.interrupt())
    const { batch } = broker.capabilities
    const renew: TaskConsumer['renew'] = (items) => consumer.renew(items)
    const keeper = new LeaseKeeper({ renew, lease, progressInterval, maxItems: batch.maxItems, logger })
    const deliveries = new Deliveries({
      identity: { id, app, logger },
      runners,
      consumer,
      batch,
      slots,
      keeper,
      unregistered,
      observers: observersOf(options),
      onSlotFree: () => loop.wake(),
      onFailed,
    })
    const loop = new ReceiveLoop({ consumer, slots, onDeliveries: (received) => deliveries.accept(received), onFailed })
    const watch = new LoopWatch({ lease, logger, suspects: () => deliveries.inlineNames })
    const brokerWatch = new BrokerWatch({ broker, logger, utilization: utilizationMeter() })
    Object.assign(this.#parts, { keeper, deliveries, loop, watch, brokerWatch })
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#ending.abort()
  }

  async #shutDown(): Promise<void> {
    const { options, broker, dependencies, runners, consumer, manager, deliveries, keeper, loop, watch } = this.#parts
    this.#parts.brokerWatch?.stop()
    if (options && consumer && deliveries && loop) {
      // After a failure nothing can be settled: what runs is told to end at once.
      const drain = this.#failure ? 0 : options.drain
      await endWork({ loop, deliveries, consumer, logger: options.logger, drain, grace: options.shutdownGrace })
    }
    keeper?.stop()
    watch?.stop()
    if (consumer) await endWithin(consumer.close())
    if (runners) await Promise.all(Object.values(runners).map((runner) => runner.stop()))
    if (dependencies) await endWithin(dependencies.tearDown())
    if (manager) await endWithin(manager.close())
    if (broker && options?.ownsBroker) await endWithin(broker.close())
  }
}

/** The end of one part must not keep the others, nor the process. */
async function endWithin(ending: Promise<void>): Promise<void> {
  await isWithin(
    END_PATIENCE,
    ending.catch(() => undefined),
  )
}

function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function describe({ id, app, groups, concurrency }: ResolvedWorkerOptions): Partial<WorkerStatus> {
  return { id, app: app.name, groups, concurrency }
}

/** Those that were given, middleware that observes, and what writes of failures where no other logs. */
function observersOf({ app, observers }: ResolvedWorkerOptions): WorkerObserver[] {
  const all: WorkerObserver[] = [...observers, ...app.middleware.filter((item) => isObserver(item))]
  const logs = all.some((observer) => 'name' in observer && observer.name === 'logging')
  return logs ? all : [...all, failureLogger()]
}
