import { BrokerUnavailableError } from '@ds/core'
import type {
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  BrokerOptions,
  ConsumerOptions,
  Delivery,
  EventFilter,
  MemoryBroker,
  Renewal,
  Settlement,
  SubscriptionItem,
  TaskConsumer,
} from '@ds/core'
import { BrokerWrapper, ConsumerWrapper } from './wrappers.ts'
import type { PlayedServer } from './played-server.ts'

/** One process's view of a played server: what it opens ends with it, what it stored stays. */
export class PlayedBroker extends BrokerWrapper {
  readonly #server: PlayedServer
  readonly #options: BrokerOptions
  readonly #consumers = new Set<PlayedConsumer>()
  readonly #closing = new AbortController()
  #store: MemoryBroker | undefined

  constructor(server: PlayedServer, options: BrokerOptions) {
    super()
    this.#server = server
    this.#options = options
  }

  override get inner(): MemoryBroker {
    if (!this.#store) throw new BrokerUnavailableError('Not connected')
    return this.#store
  }

  override get name(): string {
    return 'played'
  }

  override get address(): string {
    return 'played:'
  }

  override get capabilities(): BrokerCapabilities {
    return { ...this.inner.capabilities, shared: true, persistent: true }
  }

  override async connect({ timeout }: Parameters<Broker['connect']>[0]): Promise<void> {
    const deadline = performance.now() + timeout
    while (!this.#server.isUp) {
      if (performance.now() > deadline) throw new BrokerUnavailableError('The played server does not answer')
      if (this.#closing.signal.aborted) throw new BrokerUnavailableError('Closed while connecting')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.#store = await this.#server.store(this.#options)
  }

  override async close(): Promise<void> {
    this.#closing.abort()
    for (const consumer of this.#consumers) await consumer.close()
  }

  override async health(): Promise<BrokerHealth> {
    const durability = { level: 'unknown', summary: 'a played server' } as const
    const ok = this.#server.isUp
    return { ok, checks: [{ name: 'connection', ok }], durability }
  }

  protected override async call<Answer>(run: (broker: Broker) => Promise<Answer>): Promise<Answer> {
    await this.#server.reach()
    return run(this.inner)
  }

  override async openConsumer(options: ConsumerOptions): Promise<TaskConsumer> {
    const inner = await this.call((broker) => broker.openConsumer(options))
    const consumer = new PlayedConsumer(inner, this.#server)
    this.#consumers.add(consumer)
    return consumer
  }

  override async subscribe(
    filter: EventFilter,
    { signal }: { signal: AbortSignal },
  ): Promise<AsyncIterable<SubscriptionItem>> {
    const over = new AbortController()
    const ending = AbortSignal.any([signal, this.#closing.signal, over.signal])
    const items = await this.call((broker) => broker.subscribe(filter, { signal: ending }))
    return untilAway(items, { server: this.#server, over })
  }
}

/** Breaks when the server goes away, as a subscription over a connection does. */
async function* untilAway(
  items: AsyncIterable<SubscriptionItem>,
  { server, over }: { server: PlayedServer; over: AbortController },
): AsyncGenerator<SubscriptionItem, void> {
  let broken = false
  const stop = server.onChange(() => {
    if (server.isUp) return
    broken = true
    over.abort()
  })
  try {
    yield* items
    if (broken) throw new BrokerUnavailableError('The played server went away')
  } finally {
    stop()
    over.abort()
  }
}

class PlayedConsumer extends ConsumerWrapper {
  readonly #server: PlayedServer

  constructor(inner: TaskConsumer, server: PlayedServer) {
    super(inner)
    this.#server = server
  }

  override async receive(max: number, signal: AbortSignal): Promise<Delivery[]> {
    await this.#server.reach()
    const over = new AbortController()
    const stop = this.#server.onChange(() => over.abort())
    try {
      const deliveries = await this.inner.receive(max, AbortSignal.any([signal, over.signal]))
      if (deliveries.length === 0) await this.#server.reach()
      return deliveries
    } finally {
      stop()
    }
  }

  override async renew(items: readonly Renewal[]): ReturnType<TaskConsumer['renew']> {
    await this.#server.reach()
    return this.inner.renew(items)
  }

  override async settle(items: readonly Settlement[]): ReturnType<TaskConsumer['settle']> {
    await this.#server.reach()
    return this.inner.settle(items)
  }
}
