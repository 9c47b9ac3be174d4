import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { loopback } from '../../faults/ports.ts'
import { createCertificates } from '../certificates.ts'
import { processOrContainer } from '../container.ts'
import { findExternalServer } from '../external-server.ts'
import { breakGround, startOnFreePorts } from '../ground.ts'
import type { Ground } from '../ground.ts'
import type { Installation } from '../installation.ts'
import { ManagedServer } from '../managed-server.ts'
import type { Blueprint } from '../managed-server.ts'
import { runCommand } from '../run-command.ts'
import type { TestServer } from '../server.ts'
import { kafkaConfiguration } from './configuration.ts'
import type { KafkaMembership } from './configuration.ts'
import { findKafka } from './install.ts'
import { askKafka } from './probe.ts'
import type { KafkaOptions } from './options.ts'

/**
 * A Kafka broker for tests, ready for clients: the one that DS_TEST_KAFKA_URL names, else a process of its own on a free
 * loopback port with an empty folder, else a container. `close` ends it; it cannot outlive this process.
 *
 * @throws ServerUnavailableError when there is no Kafka and none can be installed; ServerStartError when it does not start.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<TestServer> {
  const { ownProcess = Object.keys(options).length > 0 } = options
  const external = ownProcess ? undefined : findExternalServer('kafka')
  if (external !== undefined) return external.waitUntilReady().then(() => external)
  return processOrContainer('kafka', !ownProcess, async () => {
    const installation = await findKafka(options)
    return startOnFreePorts(async () => {
      const ground = await breakGround('kafka', 3, options)
      const membership = { nodeId: 1, clusterId: newClusterId(), controllerPorts: [ground.port(2)] }
      return new ManagedServer(await planKafka(installation, ground, { options, membership }))
    })
  })
}

/** Everything about one Kafka broker that can be known before it runs. */
export async function planKafka(
  installation: Installation,
  ground: Ground,
  { options, membership }: { options: KafkaOptions; membership: KafkaMembership },
): Promise<Blueprint> {
  const certificates =
    options.tls === undefined ? undefined : await createCertificates(path.join(ground.dataDir, 'tls'))
  return {
    kind: 'kafka',
    installation,
    ground,
    url: kafkaUrl(options, ground.port(0)),
    port: ground.port(0),
    configuration: kafkaConfiguration(options, ground, {
      membership,
      ...(certificates === undefined ? {} : { certificates }),
    }),
    configurationFile: 'server.properties',
    ...(certificates === undefined ? {} : { certificates }),
    prepare: (file) => formatStorage(installation, { file, options, membership }),
    isReady: () => serves(ground, membership),
    readyTimeoutMs: 90_000,
    stopTimeoutMs: 60_000,
  }
}

/** Kafka's ids are 16 bytes in the URL form of base64; one that begins with a dash would be taken for an option. */
export function newClusterId(): string {
  return `ds${randomBytes(16).toString('base64url').slice(2)}`
}

function kafkaUrl({ sasl }: KafkaOptions, port: number): string {
  const [user] = sasl?.users ?? []
  const credentials = user === undefined ? '' : `${[user.name, user.password].map(encodeURIComponent).join(':')}@`
  return `kafka://${credentials}${loopback}:${port}`
}

async function formatStorage(
  { command, arguments: parameters }: Installation,
  { file, options, membership }: { file: string; options: KafkaOptions; membership: KafkaMembership },
): Promise<void> {
  const tool = parameters.map((parameter) => (parameter === 'kafka.Kafka' ? 'kafka.tools.StorageTool' : parameter))
  const users = options.sasl === undefined || options.sasl.mechanism === 'PLAIN' ? [] : options.sasl.users
  const scram = users.flatMap(({ name, password }) => {
    return ['--add-scram', `${options.sasl?.mechanism}=[name=${name},password=${password}]`]
  })
  const format = ['format', '--cluster-id', membership.clusterId, '--config', file, ...scram]
  await runCommand(command, [...tool, ...format], { timeoutMs: 60_000 })
}

/** The cluster's id tells our broker from another one that took the port. */
async function serves(ground: Ground, { nodeId, clusterId }: KafkaMembership): Promise<boolean> {
  const metadata = await askKafka(ground.port(1))
  return metadata.clusterId === clusterId && metadata.nodeIds.includes(nodeId)
}
