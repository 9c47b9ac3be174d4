import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { ConfigInvalidError, exponential, loadApp, loadConfig, milliseconds } from '@ds/core'
import type {
  App,
  Backoff,
  BrokerSettings,
  DsConfig,
  Duration,
  Logger,
  LoadedApp,
  ResolvedConfig,
  WorkerConfig,
} from '@ds/core'
import { createLogger } from './logger.ts'
import type { WorkerObserver } from './observer.ts'

/** What a worker takes. What is absent comes from `DS_*` variables or the config file, else from the defaults. */
export interface WorkerOptions extends Omit<DsConfig, 'app' | 'worker'>, Omit<WorkerConfig, 'processes'> {
  /** The App whose tasks it runs: itself, a file or an installed package. Default: the one the config names. */
  readonly app?: App | string
  /**
   * Where a thread or process can load that App: a file, its URL (`import.meta.url` in the module that exports it), or a package. Needed
   * for tasks with isolation where `app` is an App; known where it is a file or package.
   */
  readonly appModule?: string | URL
  /** The config file. Default: the first `ds.config.{ts,js,mjs,json}` from the working directory upward. */
  readonly config?: string
  /** How long handlers have to end once their signal fired at a shutdown. Default 5 s. */
  readonly shutdownGrace?: Duration
  /** How long progress may wait before it is sent. Default 500 ms. */
  readonly progressInterval?: Duration
  /** What happens to tasks whose name is not registered. */
  readonly unregistered?: UnregisteredPolicy
  /** Default: {@link createLogger}. */
  readonly logger?: Logger
  readonly observers?: readonly WorkerObserver[]
  /** Unique among the workers that live. Default: made of host name, process id and chance. */
  readonly id?: string
}

/**
 * Tasks of an unknown name are tried again later, for during a deployment another worker may know them; then they end in ERROR.
 */
export interface UnregisteredPolicy {
  /** How often they are tried again, instead of as often as they ask for themselves. Default 10. */
  readonly maxRetries?: number
  /** Default `exponential('1s', { max: '1m' })`. */
  readonly backoff?: Backoff
}

/** Options with everything filled in and times in milliseconds. */
export interface ResolvedWorkerOptions {
  readonly app: App
  readonly appModule: string | undefined
  readonly id: string
  readonly concurrency: number
  readonly groups: readonly string[]
  readonly lease: number
  readonly drain: number
  readonly shutdownGrace: number
  readonly progressInterval: number
  readonly unregistered: Required<UnregisteredPolicy>
  readonly logger: Logger
  readonly observers: readonly WorkerObserver[]
  readonly broker: BrokerSettings
  /** Whether the broker is opened here, and so closed here. */
  readonly ownsBroker: boolean
}

const SHORTEST_LEASE = 100
/** The longest time a Node timer takes, in milliseconds: 24 days. */
const LONGEST_TIME = 2 ** 31 - 1

/**
 * Fills in what is absent, and checks what is there.
 * @throws ConfigInvalidError, AppNotFoundError, AppInvalidError
 */
export async function resolveWorkerOptions(options: WorkerOptions): Promise<ResolvedWorkerOptions> {
  const config = await configOf(options)
  const { app, file } = await appOf(config, options)
  const { worker } = config
  const lease = withinLimits('lease', worker.lease ?? 30_000, SHORTEST_LEASE)
  return {
    app,
    appModule: file,
    id: options.id ?? `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`,
    concurrency: worker.concurrency ?? 10,
    groups: groupsOf(app, worker.groups),
    lease,
    drain: worker.drain ?? 30_000,
    shutdownGrace: withinLimits('shutdownGrace', milliseconds(options.shutdownGrace ?? '5s', 'shutdownGrace')),
    progressInterval: withinLimits(
      'progressInterval',
      milliseconds(options.progressInterval ?? '500ms', 'progressInterval'),
    ),
    unregistered: {
      maxRetries: options.unregistered?.maxRetries ?? 10,
      backoff: options.unregistered?.backoff ?? exponential('1s', { max: '1m' }),
    },
    logger: options.logger ?? createLogger(),
    observers: options.observers ?? [],
    broker: config,
    ownsBroker: !('openConsumer' in config.broker),
  }
}

function withinLimits(name: string, time: number, shortest = 0): number {
  if (time < shortest) throw new ConfigInvalidError(`${name} is ${time} ms`, { fix: `Give at least ${shortest} ms` })
  if (time <= LONGEST_TIME) return time
  throw new ConfigInvalidError(`${name} is ${time} ms`, { fix: 'Give at most 24 days' })
}

/** The config that holds for a worker: its options over `DS_*` variables over the config file. */
export function configOf(options: WorkerOptions): Promise<ResolvedConfig> {
  const { app, config, broker, namespace, retention, maxPayload, requireDurable } = options
  const { concurrency, groups, lease, drain } = options
  const worker = {
    ...(concurrency !== undefined && { concurrency }),
    ...(groups !== undefined && { groups }),
    ...(lease !== undefined && { lease }),
    ...(drain !== undefined && { drain }),
  }
  return loadConfig({
    worker,
    ...(app !== undefined && { app }),
    ...(config !== undefined && { config }),
    ...(broker !== undefined && { broker }),
    ...(namespace !== undefined && { namespace }),
    ...(retention !== undefined && { retention }),
    ...(maxPayload !== undefined && { maxPayload }),
    ...(requireDurable !== undefined && { requireDurable }),
  })
}

async function appOf(config: ResolvedConfig, options: WorkerOptions): Promise<{ app: App; file: string | undefined }> {
  const module = options.appModule === undefined ? undefined : String(options.appModule)
  if (config.app === undefined) {
    throw new ConfigInvalidError('The worker has no App', {
      fix: 'Give one as `app`, or name its file or package as `app` in ds.config.ts',
    })
  }
  if (typeof config.app !== 'string') return { app: config.app, file: module }
  const loaded: LoadedApp = await loadApp(config.app, config.folder)
  return { app: loaded.app, file: module ?? loaded.file }
}

function groupsOf(app: App, asked: readonly string[] | undefined): readonly string[] {
  const known = app.groups()
  if (known.length === 0) {
    throw new ConfigInvalidError(`The App ${app.name} has no tasks`, { fix: 'Register some: createApp(name, [task])' })
  }
  const unknown = asked?.find((group) => !known.includes(group))
  if (unknown === undefined) return asked && asked.length > 0 ? asked : known
  throw new ConfigInvalidError(`The App ${app.name} has no task in the group ${unknown}`, {
    fix: `Its groups are: ${known.join(', ')}`,
  })
}
