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
import { redisConfiguration } from './configuration.ts'
import { findRedis } from './install.ts'
import type { RedisOptions } from './options.ts'
import { askRedis } from './probe.ts'
import type { RedisAddress } from './probe.ts'

/**
 * A Redis server for tests, ready for clients: the one that DS_TEST_REDIS_URL names, else a process of its own on a free
 * loopback port with an empty folder, else a container. `close` ends it; it cannot outlive this process.
 *
 * @throws ServerUnavailableError when there is no Redis and none can be installed; ServerStartError when it does not start.
 */
export async function startRedis(options: RedisOptions = {}): Promise<TestServer> {
  const { ownProcess = Object.keys(options).length > 0 } = options
  const external = ownProcess ? undefined : findExternalServer('redis')
  if (external !== undefined) return external.waitUntilReady().then(() => external)
  return processOrContainer('redis', !ownProcess, async () => {
    const installation = await findRedis(options)
    return startOnFreePorts(async () => {
      const ground = await breakGround('redis', 1, options)
      return new ManagedServer(await planRedis(installation, ground, { options }))
    })
  })
}

/** Everything about one Redis server that can be known before it runs. */
export async function planRedis(
  installation: Installation,
  ground: Ground,
  { options }: { options: RedisOptions },
): Promise<Blueprint> {
  const { tls, password } = options
  const certificates = tls === undefined ? undefined : await createCertificates(path.join(ground.dataDir, 'tls'))
  const address: RedisAddress = { port: ground.port(0), certificates, password }
  return {
    kind: 'redis',
    installation,
    ground,
    url: redisUrl(address),
    port: address.port,
    configuration: redisConfiguration(options, ground, certificates),
    configurationFile: 'redis.conf',
    ...(certificates === undefined ? {} : { certificates }),
    isReady: (pid) => servesFrom(pid, address),
    readyTimeoutMs: 30_000,
    stopTimeoutMs: 30_000,
  }
}

function redisUrl({ certificates, password, port }: RedisAddress): string {
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return `${certificates === undefined ? 'redis' : 'rediss'}://${credentials}${loopback}:${port}`
}

/** The process id tells our server from another one that took the port. While it loads, Redis answers with an error. */
async function servesFrom(pid: number, address: RedisAddress): Promise<boolean> {
  const [pong, server] = await askRedis(address, ['PING'], ['INFO', 'server'])
  return pong === 'PONG' && new RegExp(`process_id:${pid}\\b`).test(String(server))
}
