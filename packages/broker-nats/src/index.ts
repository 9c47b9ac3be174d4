export { adapter } from './adapter.ts'
export { createNatsBroker, NatsBroker } from './broker.ts'
export type { NatsBrokerOptions } from './options.ts'
