import type { BrokerAdapter } from '@ds/core'
import { NatsBroker } from './broker.ts'
import type { NatsBrokerOptions } from './options.ts'

/** How `nats:` and `tls:` become a broker. */
export const adapter: BrokerAdapter<NatsBrokerOptions> = {
  name: 'nats',
  schemes: ['nats', 'tls'],
  create: (options) => new NatsBroker(options),
}
