import { MemoryBroker, resolveBrokerOptions } from '@ds/core'
import type { Broker } from '@ds/core'
import type { BrokerUnderTest } from '../src/broker-under-test.ts'
import { PlayedBroker } from '../src/broken/played-broker.ts'
import { PlayedServer } from '../src/broken/played-server.ts'
import { BrokerWrapper } from '../src/broken/wrappers.ts'

/** A played server, as the kit takes it; `wrap` puts something broken around each of its brokers. */
export function playedUnderTest(wrap: (broker: PlayedBroker) => Broker = (broker) => broker): BrokerUnderTest {
  const servers = new Map([['played:', new PlayedServer()]])
  return {
    name: 'played',
    create: ({ url = 'played:', ...options }) => {
      resolveBrokerOptions(options, { broker: 'played', retentionByCount: true, own: {} })
      return wrap(new PlayedBroker(servers.get(url) ?? new PlayedServer(), options))
    },
    startServer: async () => {
      const url = `played:${servers.size}`
      const server = new PlayedServer()
      servers.set(url, server)
      return server.faulty(url)
    },
    garbage: {
      undecodable: async ({ broker, queue }, bytes) => {
        const store = storeOf(broker)
        if (store instanceof MemoryBroker) store.addBytes(queue, bytes)
      },
    },
    close: async () => {
      for (const server of servers.values()) await server.close()
    },
  }
}

function storeOf(broker: Broker): Broker {
  return broker instanceof BrokerWrapper ? storeOf(broker.inner) : broker
}

export function brokerUnderTest(): BrokerUnderTest {
  return playedUnderTest()
}
