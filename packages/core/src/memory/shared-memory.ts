import type { Broker } from '../broker/broker.ts'
import type { BrokerOptions } from '../broker/broker-adapter.ts'
import { ConfigInvalidError } from '../errors.ts'
import { createMemoryBroker } from './memory-broker.ts'

/** A memory broker that several parts of a process use, and how many still do. */
interface SharedMemory {
  readonly broker: Broker
  readonly options: string
  connecting: Promise<void> | undefined
  users: number
}

/** On the global object, so that two installed copies of this package meet too. */
const REGISTRY = Symbol.for('@ds/core/shared-memory-1')

/**
 * The memory broker of a URL and namespace in this process. All who open it get the same tasks; it ends when the last of them closes.
 * @throws ConfigInvalidError where it is open already with other options.
 */
export function sharedMemoryBroker(url: string, options: BrokerOptions): Broker {
  const key = `${url} ${options.namespace ?? ''}`
  const text = JSON.stringify(options)
  const shared = registry().get(key) ?? {
    broker: createMemoryBroker(options),
    options: text,
    connecting: undefined,
    users: 0,
  }
  if (shared.options !== text)
    throw new ConfigInvalidError(`The broker ${url} is open in this process with other options`, {
      fix: `Give the same retention, maxPayload and requireDurable everywhere, or use another URL such as memory:second`,
    })
  registry().set(key, shared)
  shared.users += 1
  return viewOf(shared, () => {
    shared.users -= 1
    if (shared.users > 0) return Promise.resolve()
    registry().delete(key)
    return shared.broker.close()
  })
}

function registry(): Map<string, SharedMemory> {
  const holder = globalThis as { [REGISTRY]?: Map<string, SharedMemory> }
  return (holder[REGISTRY] ??= new Map())
}

/** The shared broker with a life of its own: it connects once for all, and closing it lets go of it. */
function viewOf(shared: SharedMemory, release: () => Promise<void>): Broker {
  const { broker } = shared
  return {
    name: broker.name,
    address: broker.address,
    capabilities: broker.capabilities,
    parked: broker.parked,
    connect: (options) => (shared.connecting ??= broker.connect(options)),
    close: release,
    health: () => broker.health(),
    submit: (tasks) => broker.submit(tasks),
    openConsumer: (options) => broker.openConsumer(options),
    cancel: (id, options) => broker.cancel(id, options),
    retry: (id, options) => broker.retry(id, options),
    get: (ids) => broker.get(ids),
    list: (query) => broker.list(query),
    counts: () => broker.counts(),
    args: (id) => broker.args(id),
    result: (id) => broker.result(id),
    errors: (id) => broker.errors(id),
    remove: (id) => broker.remove(id),
    subscribe: (filter, options) => broker.subscribe(filter, options),
    announce: (app) => broker.announce(app),
    apps: () => broker.apps(),
  }
}
