import { createTaskManager, loadApp, loadConfig, NotSupportedError, openBroker } from '@ds/core'
import type { Broker, ConfigOptions, LoadedApp, ResolvedConfig, TaskManager } from '@ds/core'

/** Whoever types a command wants to hear soon that nobody answers. */
const CONNECT_TIMEOUT = '5s'

/** The options that every command takes. */
export interface GlobalOptions {
  readonly json?: boolean
  readonly config?: string
  readonly broker?: string
  readonly namespace?: string
}

/** A manager for one command. */
export interface Session extends AsyncDisposable {
  readonly config: ResolvedConfig
  readonly broker: Broker
  readonly manager: TaskManager
}

/** The config that the command line, the environment and the config file give together. */
export function configFrom(options: GlobalOptions, more: ConfigOptions = {}): Promise<ResolvedConfig> {
  return loadConfig({
    ...(options.config !== undefined && { config: options.config }),
    ...(options.broker !== undefined && { broker: options.broker }),
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    ...more,
  })
}

/**
 * Connects to the broker of the config, which must be one that other processes share: a command ends, and a task in its memory with it.
 * @throws NotSupportedError on `memory:`
 */
export async function openSession(options: GlobalOptions): Promise<Session> {
  const config = await configFrom(options)
  const broker = await openBroker(config, { timeout: CONNECT_TIMEOUT })
  const manager = createTaskManager(broker, { owned: true })
  if (broker.capabilities.shared) return { config, broker, manager, [Symbol.asyncDispose]: () => manager.close() }
  await manager.close()
  throw new NotSupportedError(
    `The broker ${broker.address} lives in one process, so other commands cannot see its tasks`,
    {
      fix: 'Set DS_BROKER_URL or --broker to one that is shared, such as redis://127.0.0.1:6379, or use: ds run APP NAME [ARGS]',
    },
  )
}

/** The App a command names, else the config's. */
export async function appOf(reference: string | undefined, config: ResolvedConfig): Promise<LoadedApp | undefined> {
  if (reference !== undefined) return loadApp(reference)
  if (config.app === undefined) return undefined
  if (typeof config.app === 'string') return loadApp(config.app, config.folder)
  return { app: config.app, file: config.file ?? config.folder }
}
