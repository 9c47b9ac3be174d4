import { breakGround, startOnFreePorts } from '../ground.ts'
import type { Ground } from '../ground.ts'
import { ManagedCluster } from '../managed-cluster.ts'
import { ManagedServer } from '../managed-server.ts'
import type { TestCluster } from '../server.ts'
import { findKafka } from './install.ts'
import { askKafka } from './probe.ts'
import type { KafkaOptions } from './options.ts'
import { newClusterId, planKafka } from './server.ts'

/** What each member of a cluster is started with. */
export interface KafkaClusterOptions extends Omit<KafkaOptions, 'ownProcess' | 'announcedPort'> {
  /** One for each member, when clients are to come through proxies. */
  announcedPorts?: readonly [number, number, number]
}

const memberCount = 3

/**
 * Three Kafka brokers on loopback, ready for clients; topics have three replicas by default, of which two must be in sync.
 *
 * @throws ServerUnavailableError, ServerStartError as `startKafka` does.
 */
export async function startKafkaCluster(options: KafkaClusterOptions = {}): Promise<TestCluster> {
  const { announcedPorts, ...shared } = options
  const installation = await findKafka(options)
  return startOnFreePorts(async () => {
    const grounds = await Promise.all(Array.from({ length: memberCount }, () => breakGround('kafka', 3, options)))
    const [clusterId, controllerPorts] = [newClusterId(), grounds.map((ground) => ground.port(2))]
    const plans = grounds.map((ground, index) => {
      const announcedPort = announcedPorts?.[index]
      const own = { ...shared, ...(announcedPort === undefined ? {} : { announcedPort }) }
      const membership = { nodeId: index + 1, clusterId, controllerPorts }
      return planKafka(installation, ground, { options: own, membership })
    })
    const members = (await Promise.all(plans)).map((plan) => new ManagedServer(plan))
    return new ManagedCluster('kafka', { members, isSettled: () => isSettled(grounds), readyTimeoutMs: 90_000 })
  })
}

/** Each member sees all of them. */
async function isSettled(grounds: readonly Ground[]): Promise<boolean> {
  const views = await Promise.all(grounds.map((ground) => askKafka(ground.port(1))))
  return views.every(({ nodeIds }) => nodeIds.length === grounds.length)
}
