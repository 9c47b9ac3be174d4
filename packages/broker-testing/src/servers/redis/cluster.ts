import { loopback } from '../../faults/ports.ts'
import { breakGround, startOnFreePorts } from '../ground.ts'
import type { Ground } from '../ground.ts'
import type { Installation } from '../installation.ts'
import { ManagedCluster } from '../managed-cluster.ts'
import { ManagedServer } from '../managed-server.ts'
import type { TestCluster, TestServer } from '../server.ts'
import { findRedis } from './install.ts'
import type { RedisOptions } from './options.ts'
import { askRedis } from './probe.ts'
import type { RedisAddress } from './probe.ts'
import { planRedis } from './server.ts'

/** What each member of a cluster is started with. */
export type RedisClusterOptions = Omit<RedisOptions, 'replicaOf' | 'ownProcess'>

const slotCount = 16_384
const masterCount = 3

/**
 * A Redis Cluster of three masters on loopback, ready for clients, with all slots served.
 *
 * @throws ServerUnavailableError, ServerStartError as `startRedis` does.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<TestCluster> {
  const installation = await findRedis(options)
  return startOnFreePorts(async () => {
    const grounds = await Promise.all(Array.from({ length: masterCount }, () => breakGround('redis', 2, options)))
    const busPorts = grounds.map((ground) => busPort(installation, ground))
    const plans = grounds.map((ground, index) =>
      planRedis(installation, ground, { options: withClusterSettings(options, busPorts[index]) }),
    )
    const members = (await Promise.all(plans)).map((plan) => new ManagedServer(plan))
    return new ManagedCluster('redis', {
      members,
      join: () => join(members, options, busPorts),
      isSettled: () => isSettled(members, options),
      readyTimeoutMs: 30_000,
    })
  })
}

function withClusterSettings(options: RedisClusterOptions, busPort: number | undefined): RedisOptions {
  return {
    ...options,
    settings: {
      'cluster-enabled': 'yes',
      'cluster-config-file': 'nodes.conf',
      'cluster-node-timeout': '2000',
      ...(busPort === undefined ? {} : { 'cluster-port': String(busPort) }),
      ...options.settings,
    },
  }
}

/** The usual one, 10,000 above the client's, may lie among those of outgoing connections. It can be chosen from 7.0 on. */
function busPort({ version }: Installation, ground: Ground): number | undefined {
  return Number.parseInt(version) >= 7 ? ground.port(1) : undefined
}

/** Each master gets a third of the slots; then the first one meets the others. */
async function join(
  members: readonly TestServer[],
  options: RedisOptions,
  busPorts: readonly (number | undefined)[],
): Promise<void> {
  await Promise.all(
    members.map((member, index) => {
      const [first, next] = [index, index + 1].map((share) => Math.floor((share * slotCount) / members.length))
      return askRedis(addressOf(member, options), ['CLUSTER', 'ADDSLOTS', ...range(first ?? 0, next ?? slotCount)])
    }),
  )
  const [first, ...others] = members
  if (first === undefined) return
  const meetings = others.map((member, index) => {
    return ['CLUSTER', 'MEET', loopback, String(member.port), String(busPorts[index + 1] ?? member.port + 10_000)]
  })
  await askRedis(addressOf(first, options), ...meetings)
}

async function isSettled(members: readonly TestServer[], options: RedisOptions): Promise<boolean> {
  const views = await Promise.all(members.map((member) => askRedis(addressOf(member, options), ['CLUSTER', 'INFO'])))
  return views.every(([view]) => {
    const text = String(view)
    return text.includes('cluster_state:ok') && text.includes(`cluster_size:${members.length}`)
  })
}

function addressOf({ port, certificates }: TestServer, { password }: RedisOptions): RedisAddress {
  return { port, certificates, password }
}

function range(first: number, next: number): string[] {
  return Array.from({ length: next - first }, (_, index) => String(first + index))
}
