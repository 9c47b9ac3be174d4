import { BrokerUnavailableError, createMemoryBroker, guardBroker } from '../src/index.ts'
import type { Broker, MemoryBrokerOptions } from '../src/index.ts'

/** A connected memory broker in which some calls do something else. */
export async function alteredBroker(
  alter: (inner: Broker) => Partial<Broker> = () => ({}),
  options: MemoryBrokerOptions = {},
): Promise<Broker> {
  const inner = createMemoryBroker(options)
  const broker: Broker = {
    name: inner.name,
    address: inner.address,
    capabilities: inner.capabilities,
    parked: inner.parked,
    connect: () => inner.connect(),
    close: () => inner.close(),
    health: () => inner.health(),
    submit: (tasks) => inner.submit(tasks),
    openConsumer: (consumer) => inner.openConsumer(consumer),
    cancel: (id, how) => inner.cancel(id, how),
    retry: (id, how) => inner.retry(id, how),
    get: (ids) => inner.get(ids),
    list: (query) => inner.list(query),
    counts: () => inner.counts(),
    args: (id) => inner.args(id),
    result: (id) => inner.result(id),
    errors: (id) => inner.errors(id),
    remove: (id) => inner.remove(id),
    subscribe: (filter, how) => inner.subscribe(filter, how),
    announce: (app) => inner.announce(app),
    apps: () => inner.apps(),
    ...alter(inner),
  }
  const guarded = guardBroker(broker)
  await guarded.connect({ timeout: 1000 })
  return guarded
}

/** A switch for an outage: while it is on, what goes through `when` is refused as an unreachable server would. */
export class Outage {
  on = false
  refused = 0

  check(): void {
    if (!this.on) return
    this.refused += 1
    throw new BrokerUnavailableError('The server does not answer')
  }
}
