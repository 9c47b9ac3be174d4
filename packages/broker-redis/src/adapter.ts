import type { BrokerAdapter } from '@ds/core'
import { createRedisBroker } from './broker.ts'
import type { RedisBrokerOptions } from './options.ts'

/** How `redis://` and `rediss://` become a broker. */
export const adapter: BrokerAdapter<RedisBrokerOptions> = {
  name: 'redis',
  schemes: ['redis', 'rediss'],
  create: (options) => createRedisBroker(options),
}
