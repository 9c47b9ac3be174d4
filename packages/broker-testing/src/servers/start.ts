import { findCompose } from './container.ts'
import { ServerUnavailableError } from './errors.ts'
import { findExternalServer } from './external-server.ts'
import type { Installation } from './installation.ts'
import { startKafkaCluster } from './kafka/cluster.ts'
import type { KafkaClusterOptions } from './kafka/cluster.ts'
import { findKafka } from './kafka/install.ts'
import type { KafkaOptions } from './kafka/options.ts'
import { startKafka } from './kafka/server.ts'
import { startNatsCluster } from './nats/cluster.ts'
import type { NatsClusterOptions } from './nats/cluster.ts'
import { findNats } from './nats/install.ts'
import type { NatsOptions } from './nats/options.ts'
import { startNats } from './nats/server.ts'
import { startRedisCluster } from './redis/cluster.ts'
import type { RedisClusterOptions } from './redis/cluster.ts'
import { findRedis } from './redis/install.ts'
import type { RedisOptions } from './redis/options.ts'
import { startRedis } from './redis/server.ts'
import type { ServerKind, TestCluster, TestServer } from './server.ts'

/** The options of each kind of server. */
export interface ServerOptions {
  redis: RedisOptions
  nats: NatsOptions
  kafka: KafkaOptions
}

/** The options of each kind of cluster. */
export interface ClusterOptions {
  redis: RedisClusterOptions
  nats: NatsClusterOptions
  kafka: KafkaClusterOptions
}

type ByKind<Options extends Record<ServerKind, object>, Made> = {
  [Kind in ServerKind]: (options: Options[Kind]) => Promise<Made>
}

const servers: ByKind<ServerOptions, TestServer> = { redis: startRedis, nats: startNats, kafka: startKafka }
const clusters: ByKind<ClusterOptions, TestCluster> = {
  redis: startRedisCluster,
  nats: startNatsCluster,
  kafka: startKafkaCluster,
}
const finders: ByKind<ServerOptions, Installation> = { redis: findRedis, nats: findNats, kafka: findKafka }

/** `startRedis`, `startNats` or `startKafka`, by name. */
export async function startServer<Kind extends ServerKind>(
  kind: Kind,
  options: ServerOptions[Kind],
): Promise<TestServer> {
  return servers[kind](options)
}

/** `startRedisCluster`, `startNatsCluster` or `startKafkaCluster`, by name. */
export async function startCluster<Kind extends ServerKind>(
  kind: Kind,
  options: ClusterOptions[Kind],
): Promise<TestCluster> {
  return clusters[kind](options)
}

/**
 * Why tests that need such a server cannot run here; `undefined` when they can. Installs what is missing.
 *
 * A test skips with the reason: `test('...', async (context) => context.skip(reason !== undefined, reason))`.
 *
 * @throws ServerUnavailableError instead, where the environment says CI=true: nothing is skipped there.
 */
export async function whyNoServer<Kind extends ServerKind>(
  kind: Kind,
  options: ServerOptions[Kind],
): Promise<string | undefined> {
  if (findExternalServer(kind) !== undefined && Object.keys(options).length === 0) return undefined
  try {
    await finders[kind](options)
    return undefined
  } catch (error) {
    if (!(error instanceof ServerUnavailableError) || process.env['CI'] === 'true') throw error
    return Object.keys(options).length === 0 && (await hasCompose()) ? undefined : error.message
  }
}

function hasCompose(): Promise<boolean> {
  return findCompose().then(
    () => true,
    () => false,
  )
}
