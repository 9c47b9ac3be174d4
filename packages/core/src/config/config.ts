import type { App } from '../app/app.ts'
import type { Broker } from '../broker/broker.ts'
import type { Retention } from '../broker/broker-adapter.ts'
import type { Duration } from '../duration.ts'
import type { AnyTaskDefinition } from '../tasks/task-definition.ts'

/**
 * What a config file says: the default export of `ds.config.ts`, `.js` or `.mjs`, or the content of `ds.config.json`. All of it is
 * optional. Options given in code win over `DS_*` environment variables, these over the file, and the file over the defaults.
 */
export interface DsConfig {
  /** The App that workers run: a file (relative to the config file), an installed package, or the App itself. */
  readonly app?: string | App<AnyTaskDefinition>
  /** A URL, as in `redis://127.0.0.1:6379`, or an adapter with its own options. Default `memory:`. */
  readonly broker?: string | BrokerConfig | Broker
  /** `[a-z0-9-]{1,48}`, default `default`. Namespaces on one server do not see each other. */
  readonly namespace?: string
  /** How long finished tasks are kept. Default: a week. */
  readonly retention?: RetentionConfig
  /** The most that args, or a result, may take encoded: bytes, or as in `512kb`. Default 512 KiB. */
  readonly maxPayload?: number | string
  /** Refuse to start where the server's settings make durability weak. Default false. */
  readonly requireDurable?: boolean
  readonly worker?: WorkerConfig
}

/** How long finished tasks are kept, as a config says it. */
export interface RetentionConfig {
  /** Finished tasks go when they are older than this. */
  readonly age?: Duration
  /** Finished tasks go when there are more than this, the oldest first. */
  readonly count?: number
}

/**
 * A broker by URL, or by adapter: `memory`, `redis`, `nats`, `kafka`, the name of an installed package, or a file. Everything else
 * is the adapter's own options.
 */
export type BrokerConfig =
  | { readonly url: string; readonly adapter?: string; readonly [option: string]: unknown }
  | { readonly adapter: string; readonly url?: string; readonly [option: string]: unknown }

/** What workers read of the config. */
export interface WorkerConfig {
  /** Tasks a worker runs at once. */
  readonly concurrency?: number
  /** The groups whose tasks it takes. Default: all of its App. */
  readonly groups?: readonly string[]
  /** How long a dead worker's task stays its own. */
  readonly lease?: Duration
  /** How long running tasks may go on at a shutdown before their signal fires. */
  readonly drain?: Duration
  /** Worker processes in a pool. */
  readonly processes?: number
}

/** Gives a config file its types: `export default defineConfig({ app: './tasks.ts', broker: 'redis://127.0.0.1:6379' })`. */
export function defineConfig<const Config extends DsConfig>(config: Config): Config {
  return config
}

/** A config that was checked, with its sources merged, times in milliseconds and sizes in bytes. */
export interface ResolvedConfig extends BrokerSettings {
  readonly app?: string | App<AnyTaskDefinition>
  readonly worker: ResolvedWorkerConfig
  /** The config file it was read from, if there is one. */
  readonly file?: string
}

/** What is needed to open a broker. */
export interface BrokerSettings {
  readonly broker: BrokerConfig | Broker
  readonly namespace: string
  readonly retention?: Retention
  readonly maxPayload?: number
  readonly requireDurable: boolean
  /** Where files and packages are looked for: the config file's folder, else the working directory. */
  readonly folder: string
}

/** What workers read of a config that was checked. */
export interface ResolvedWorkerConfig {
  readonly concurrency?: number
  readonly groups?: readonly string[]
  /** Milliseconds. */
  readonly lease?: number
  /** Milliseconds. */
  readonly drain?: number
  readonly processes?: number
}
