import { findAdapter } from './adapters.ts'
import type { Broker } from '../broker/broker.ts'
import type { BrokerOptions } from '../broker/broker-adapter.ts'
import { isBroker } from './config-fields.ts'
import type { BrokerConfig, BrokerSettings } from './config.ts'
import { milliseconds } from '../duration.ts'
import type { Duration } from '../duration.ts'
import { guardBroker } from '../broker/guard-broker.ts'
import { sharedMemoryBroker } from '../memory/shared-memory.ts'

/** How long to wait for a broker. */
export interface OpenOptions {
  /** How long to wait for the server. Default 10 s. */
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

/**
 * Makes the broker a config asks for and connects it. A URL that begins with `memory:` gives one broker per process, URL and
 * namespace, so that managers and workers in a process meet; it ends when all who opened it have closed it.
 * A broker that was made already is connected and given back; who made it closes it.
 * @throws UnknownBrokerError, AdapterNotInstalledError, ConfigInvalidError before anything is reached.
 * @throws BrokerUnavailableError, BrokerRefusedError, BrokerMisconfiguredError
 */
export async function openBroker(settings: BrokerSettings, options: OpenOptions = {}): Promise<Broker> {
  const timeout = milliseconds(options.timeout ?? '10s', 'timeout')
  const made = isBroker(settings.broker)
  const broker = made ? guardOf(settings.broker) : guardBroker(await makeBroker(settings.broker, settings))
  try {
    await broker.connect({ timeout, ...(options.signal && { signal: options.signal }) })
  } catch (error) {
    if (!made) await broker.close().catch(() => undefined)
    throw error
  }
  return broker
}

async function makeBroker(config: BrokerConfig, settings: BrokerSettings): Promise<Broker> {
  const { namespace, retention, maxPayload, requireDurable, folder } = settings
  const shared: BrokerOptions = {
    namespace,
    requireDurable,
    ...(retention && { retention }),
    ...(maxPayload !== undefined && { maxPayload }),
  }
  const { adapter: named, ...own } = config
  const adapter = await findAdapter(config, folder)
  const byUrl = named === undefined && config.url !== undefined && Object.keys(own).length === 1
  return adapter.name === 'memory' && byUrl
    ? sharedMemoryBroker(config.url, shared)
    : adapter.create({ ...shared, ...own })
}

const guards = new WeakMap<Broker, Broker>()

/** One guard for each broker that was made outside, so that opening it twice connects it once. */
function guardOf(broker: Broker): Broker {
  const guard = guards.get(broker) ?? guardBroker(broker)
  guards.set(broker, guard)
  return guard
}
