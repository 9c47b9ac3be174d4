import type { App, TasksOf } from '../app/app.ts'
import { isBroker } from '../config/config-fields.ts'
import type { DsConfig, ResolvedConfig } from '../config/config.ts'
import { createTaskManager } from './create-task-manager.ts'
import type { Duration } from '../duration.ts'
import { checkKeys } from '../known-keys.ts'
import { loadApp } from '../app/load-app.ts'
import { loadConfig } from '../config/load-config.ts'
import { openBroker } from '../config/open-broker.ts'
import type { AnyTaskDefinition, TaskDefinition } from '../tasks/task-definition.ts'
import type { TaskManager } from './task-manager.ts'

/** What `connect` takes. All of it is optional: what is absent comes from `DS_*` variables or the config file. */
export interface ConnectOptions<SomeApp extends App<AnyTaskDefinition> = App<AnyTaskDefinition>> extends Omit<
  DsConfig,
  'app' | 'worker'
> {
  /**
   * The App whose tasks are created: gives their groups and limits, and checks args before they are sent. Not needed once a worker
   * was started: workers announce their Apps, all but the check of args. A text is a file or package, which is then loaded.
   */
  readonly app?: SomeApp | string
  /** The config file. Default: the first `ds.config.{ts,js,mjs,json}` from the working directory upward. */
  readonly config?: string
  /** How long to wait for the broker. Default 10 s. */
  readonly timeout?: Duration
  /** How long `create` is sent again while the broker is away. Default 10 s. */
  readonly patience?: Duration
}

const CONNECT_OPTIONS: readonly string[] = [
  'app',
  'broker',
  'config',
  'maxPayload',
  'namespace',
  'patience',
  'requireDurable',
  'retention',
  'timeout',
] satisfies (keyof ConnectOptions)[]

/**
 * Connects to the broker and gives a TaskManager. With the type of the App (`connect<typeof app>()`, where `app` is imported as a type
 * only) names, args and results are checked by the compiler and no handler code is loaded.
 * @throws ConfigInvalidError, UnknownBrokerError, AdapterNotInstalledError for a config that cannot be used.
 * @throws BrokerUnavailableError when the broker does not answer in time, BrokerRefusedError and BrokerMisconfiguredError when it says no.
 * @example
 * const manager = await connect<typeof app>()
 * const task = await manager.create('index_documents', { folder: '/data' })
 */
export async function connect<SomeApp extends App<AnyTaskDefinition> = App<TaskDefinition>>(
  options: ConnectOptions<SomeApp> = {},
): Promise<TaskManager<TasksOf<SomeApp>>> {
  checkKeys(options, CONNECT_OPTIONS, 'the options of connect')
  const { timeout, patience, ...configured } = options
  const config = await loadConfig(configured)
  const app = await appToUse(config, options.app !== undefined)
  const broker = await openBroker(config, timeout === undefined ? {} : { timeout })
  return createTaskManager<TasksOf<SomeApp>>(broker, {
    owned: !isBroker(config.broker),
    ...(app && { app }),
    ...(patience !== undefined && { patience }),
  })
}

/** An App that is at hand is used; one that is only named is loaded where the caller asks, since it pulls in all its handlers. */
async function appToUse({ app, folder }: ResolvedConfig, asked: boolean): Promise<App<AnyTaskDefinition> | undefined> {
  if (typeof app !== 'string') return app
  return asked ? (await loadApp(app, folder)).app : undefined
}
