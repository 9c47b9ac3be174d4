import type { BrokerAdapter } from '@ds/core'
import { createKafkaBroker } from './broker.ts'
import type { KafkaBrokerOptions } from './options.ts'

/** How `kafka://` and `kafkas://` become a broker. */
export const adapter: BrokerAdapter<KafkaBrokerOptions> = {
  name: 'kafka',
  schemes: ['kafka', 'kafkas'],
  create: (options) => createKafkaBroker(options),
}
