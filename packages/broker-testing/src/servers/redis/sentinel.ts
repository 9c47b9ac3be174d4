import { loopback } from '../../faults/ports.ts'
import { breakGround, startOnFreePorts } from '../ground.ts'
import { ManagedCluster } from '../managed-cluster.ts'
import { ManagedServer } from '../managed-server.ts'
import type { Ground } from '../ground.ts'
import type { Installation } from '../installation.ts'
import type { TestCluster, TestServer } from '../server.ts'
import { findRedis } from './install.ts'
import type { RedisOptions } from './options.ts'
import { askRedis } from './probe.ts'
import { planRedis, startRedis } from './server.ts'

/** A primary with a replica, and three sentinels that watch them and promote the replica when the primary is gone. */
export interface RedisSentinels extends AsyncDisposable {
  /** The name under which clients ask the sentinels for the primary. */
  readonly name: string
  readonly primary: TestServer
  readonly replica: TestServer
  /** Clients connect to these. */
  readonly sentinels: TestCluster
  /** Ends all of them. */
  close(): Promise<void>
}

/** What the primary and the replica are started with. */
export type RedisSentinelOptions = Pick<RedisOptions, 'executable' | 'appendOnly' | 'appendFsync' | 'settings'>

const primaryName = 'ds-primary'

/**
 * Redis behind three sentinels. After `primary.kill()` the replica is promoted within a few seconds.
 *
 * @throws ServerUnavailableError, ServerStartError as `startRedis` does.
 */
export async function startRedisSentinels(options: RedisSentinelOptions = {}): Promise<RedisSentinels> {
  const primary = await startRedis({ ...options, ownProcess: true })
  const replica = await startRedis({ ...options, replicaOf: primary })
  const sentinels = await startSentinels(await findRedis(options), primary)
  const close = async (): Promise<void> => {
    await Promise.all([sentinels.close(), replica.close(), primary.close()])
  }
  return { name: primaryName, primary, replica, sentinels, close, [Symbol.asyncDispose]: close }
}

async function startSentinels(installation: Installation, primary: TestServer): Promise<TestCluster> {
  return startOnFreePorts(async () => {
    const grounds = await Promise.all([1, 2, 3].map(() => breakGround('redis', 1)))
    const members = await Promise.all(
      grounds.map(async (ground) => {
        const plan = await planRedis(installation, ground, { options: {} })
        const configuration = sentinelConfiguration(ground, primary)
        return new ManagedServer({ ...plan, configuration, trailingArguments: ['--sentinel'] })
      }),
    )
    return new ManagedCluster('redis', { members, isSettled: () => isSettled(members), readyTimeoutMs: 30_000 })
  })
}

function sentinelConfiguration(ground: Ground, primary: TestServer): string {
  return [
    `port ${ground.port(0)}`,
    `bind ${loopback}`,
    `dir ${ground.dataDir}`,
    `sentinel monitor ${primaryName} ${primary.host} ${primary.port} 2`,
    `sentinel down-after-milliseconds ${primaryName} 1000`,
    `sentinel failover-timeout ${primaryName} 5000`,
    '',
  ].join('\n')
}

/** Each sentinel has found the replica and the other two. */
async function isSettled(members: readonly TestServer[]): Promise<boolean> {
  const views = await Promise.all(members.map(({ port }) => askRedis({ port }, ['INFO', 'sentinel'])))
  return views.every(([view]) => /status=ok,\S*,slaves=1,sentinels=3\b/.test(String(view)))
}
