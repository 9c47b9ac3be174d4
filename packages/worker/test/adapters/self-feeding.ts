import { createMemoryBroker, MemoryBroker } from '@ds/core'
import type { BrokerAdapter, BrokerCapabilities, BrokerOptions } from '@ds/core'

/** What each process that opens the broker finds in its queue. */
export interface SelfFeedingOptions extends BrokerOptions {
  readonly tasks?: readonly { readonly name: string; readonly args: unknown }[]
}

/**
 * A broker for tests of pools: it says that processes share it, and each of them finds the same tasks of its own in it. So a pool can be
 * watched by what its tasks do, without a server.
 */
class SelfFeedingBroker extends MemoryBroker {
  override readonly capabilities: BrokerCapabilities = { ...createMemoryBroker().capabilities, shared: true }
  readonly #tasks: NonNullable<SelfFeedingOptions['tasks']>

  constructor({ tasks = [], ...options }: SelfFeedingOptions) {
    super(options)
    this.#tasks = tasks
  }

  override async connect(): Promise<void> {
    await super.connect()
    const shared = { group: 'default', queue: 'default', maxRetries: 0, maxCrashes: 3 }
    await this.submit(
      this.#tasks.map(({ name, args }, index) => {
        const id = `t${index}`
        return { ...shared, id, incarnation: id, name, args: JSON.stringify(args) }
      }),
    )
  }
}

export const adapter: BrokerAdapter<SelfFeedingOptions> = {
  name: 'self-feeding',
  schemes: ['self-feeding'],
  create: (options) => new SelfFeedingBroker(options),
}
