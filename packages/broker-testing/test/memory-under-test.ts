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
    skip: {
      'lifecycle: options that cannot work are refused at once':
        'the memory broker leaves the check of the common options to the config',
    },
    capabilities: { shared: false, persistent: false, claimAhead: 0, queueLimit: true, retentionByCount: true },
  }
}
