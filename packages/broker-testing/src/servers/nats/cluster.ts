import { breakGround, startOnFreePorts } from '../ground.ts'
import type { Ground } from '../ground.ts'
import { ManagedCluster } from '../managed-cluster.ts'
import { ManagedServer } from '../managed-server.ts'
import type { TestCluster } from '../server.ts'
import { findNats } from './install.ts'
import { askNats } from './probe.ts'
import type { NatsOptions } from './options.ts'
import { planNats } from './server.ts'

/** What each member of a cluster is started with. */
export type NatsClusterOptions = Omit<NatsOptions, 'ownProcess'>

const memberCount = 3

/**
 * Three NATS servers on loopback that keep streams together, ready for clients: streams with three replicas work.
 *
 * @throws ServerUnavailableError, ServerStartError as `startNats` does.
 */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<TestCluster> {
  const installation = await findNats(options)
  return startOnFreePorts(async () => {
    const grounds = await Promise.all(Array.from({ length: memberCount }, () => breakGround('nats', 3, options)))
    const routes = grounds.map((ground) => ground.port(2))
    const plans = grounds.map((ground) => {
      const cluster = { name: 'ds-test', port: ground.port(2), routes }
      return planNats(installation, ground, { options, cluster })
    })
    const members = (await Promise.all(plans)).map((plan) => new ManagedServer(plan))
    return new ManagedCluster('nats', { members, isSettled: () => isSettled(grounds), readyTimeoutMs: 30_000 })
  })
}

/** Each member has a leader for the cluster's streams and is connected to the others. */
async function isSettled(grounds: readonly Ground[]): Promise<boolean> {
  await Promise.all(grounds.map((ground) => askNats(ground.port(1), 'healthz')))
  const views = await Promise.all(grounds.map((ground) => askNats(ground.port(1), 'varz')))
  return views.every(({ routes }) => Number(routes) >= grounds.length - 1)
}
