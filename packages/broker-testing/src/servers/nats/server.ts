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
import type { TestServer } from '../server.ts'
import { natsConfiguration, natsServerName } from './configuration.ts'
import type { NatsCluster } from './configuration.ts'
import { findNats } from './install.ts'
import { askNats } from './probe.ts'
import type { NatsOptions } from './options.ts'

/**
 * A NATS server for tests, ready for clients: the one that DS_TEST_NATS_URL names, else a process of its own on a free
 * loopback port with an empty folder, else a container. `close` ends it; it cannot outlive this process.
 *
 * @throws ServerUnavailableError when there is no NATS and none can be installed; ServerStartError when it does not start.
 */
export async function startNats(options: NatsOptions = {}): Promise<TestServer> {
  const { ownProcess = Object.keys(options).length > 0 } = options
  const external = ownProcess ? undefined : findExternalServer('nats')
  if (external !== undefined) return external.waitUntilReady().then(() => external)
  return processOrContainer('nats', !ownProcess, async () => {
    const installation = await findNats(options)
    return startOnFreePorts(async () => {
      const ground = await breakGround('nats', 2, options)
      return new ManagedServer(await planNats(installation, ground, { options }))
    })
  })
}

/** Everything about one NATS server that can be known before it runs. */
export async function planNats(
  installation: Installation,
  ground: Ground,
  { options, cluster }: { options: NatsOptions; cluster?: NatsCluster },
): Promise<Blueprint> {
  const certificates =
    options.tls === undefined ? undefined : await createCertificates(path.join(ground.dataDir, 'tls'))
  return {
    kind: 'nats',
    installation,
    ground,
    url: natsUrl(options, ground.port(0)),
    port: ground.port(0),
    configuration: natsConfiguration(options, ground, {
      ...(certificates === undefined ? {} : { certificates }),
      ...(cluster === undefined ? {} : { cluster }),
    }),
    configurationFile: 'nats-server.conf',
    ...(certificates === undefined ? {} : { certificates }),
    isReady: () => serves(ground, cluster !== undefined),
    readyTimeoutMs: 30_000,
    stopTimeoutMs: 30_000,
  }
}

function natsUrl({ token, users }: NatsOptions, port: number): string {
  const [user] = users ?? []
  const name = token ?? (user === undefined ? undefined : [user.name, user.password])
  const credentials = name === undefined ? '' : `${[name].flat().map(encodeURIComponent).join(':')}@`
  return `nats://${credentials}${loopback}:${port}`
}

/** The name tells our server from another one that took the port. A member alone is healthy only in its cluster. */
async function serves(ground: Ground, inCluster: boolean): Promise<boolean> {
  const { server_name: name } = await askNats(ground.port(1), 'varz')
  if (name !== natsServerName(ground)) return false
  if (!inCluster) await askNats(ground.port(1), 'healthz')
  return true
}
