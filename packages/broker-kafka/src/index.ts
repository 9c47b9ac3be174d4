export { adapter } from './adapter.ts'
export { createKafkaBroker, KafkaBroker } from './broker.ts'
export type { KafkaBrokerOptions, KafkaClient, SaslMechanism } from './options.ts'
