export { testBroker } from './test-broker.ts'
export type { TestBrokerOptions } from './test-broker.ts'
