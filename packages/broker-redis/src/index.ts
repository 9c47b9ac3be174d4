export { adapter } from './adapter.ts'
export { createRedisBroker, RedisBroker } from './broker.ts'
export type { RedisBrokerOptions, RedisClient, ReplicaWait } from './options.ts'
