import { createMemoryBroker, MemoryBroker } from '@ds/core'
import type { BrokerUnderTest } from '../src/broker-under-test.ts'

/** The memory broker, as the kit takes it. */
export function brokerUnderTest(): BrokerUnderTest {
  return {
    name: 'memory',
    server: `node ${process.version}`,
    create: ({ url: _url, ...options }) => createMemoryBroker(options),
    child: { module: import.meta.resolve('@ds/core'), export: 'memoryAdapter' },
    garbage: {
      undecodable: async ({ broker, queue }, bytes) => {
        if (broker instanceof MemoryBroker) broker.addBytes(queue, bytes)
      },
    },
    invalid: {
      'a namespace with capitals': () => createMemoryBroker({ namespace: 'Production' }),
      'a negative retention': () => createMemoryBroker({ retention: { age: -1 } }),
      'a payload of nothing': () => createMemoryBroker({ maxPayload: 0 }),
    },
    capabilities: { shared: false, persistent: false, claimAhead: 0, queueLimit: true, retentionByCount: true },
  }
}
