import { realpath } from 'node:fs/promises'
import path from 'node:path'
import type { BrokerAdapter } from '../broker/broker-adapter.ts'
import type { BrokerConfig } from './config.ts'
import { ConfigInvalidError, DsError } from '../errors.ts'
import { importFile, resolvePackage } from '../import-module.ts'
import { memoryAdapter } from '../memory/memory-broker.ts'
import { OWN_FOLDER } from '../own-folder.ts'
import { redactUrl } from '../redact-url.ts'

/** The broker cannot be told from the config: no known URL scheme, no known adapter. */
export class UnknownBrokerError extends DsError {
  constructor(message: string, fix: string) {
    super('UnknownBroker', message, { fix })
  }
}

/** The package that speaks to this kind of broker is not installed. */
export class AdapterNotInstalledError extends DsError {
  readonly packageName: string

  constructor(packageName: string, folder: string) {
    super('AdapterNotInstalled', `The broker needs the package ${packageName}, which is not installed in ${folder}`, {
      fix: `Run: npm install ${packageName}`,
    })
    this.packageName = packageName
  }
}

const MEMORY = 'memory'

/** The package behind each URL scheme and short adapter name; `memory` is built in. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['redis', '@ds/broker-redis'],
  ['rediss', '@ds/broker-redis'],
  ['nats', '@ds/broker-nats'],
  ['tls', '@ds/broker-nats'],
  ['kafka', '@ds/broker-kafka'],
])

/** The URL schemes that are known without naming an adapter. */
export const BROKER_SCHEMES: readonly string[] = [MEMORY, ...PACKAGES.keys()]

/**
 * The adapter for a broker's config: the one that is named, else the one its URL scheme stands for. Packages are looked for in
 * `folder`, then beside the program that was started, then beside this package.
 * @throws UnknownBrokerError, AdapterNotInstalledError
 * @throws ConfigInvalidError for a package that cannot be loaded or is no adapter.
 */
export async function findAdapter(config: BrokerConfig, folder: string): Promise<BrokerAdapter> {
  const name = config.adapter ?? schemeOf(config.url ?? '')
  if (name === MEMORY) return memoryAdapter
  if (path.isAbsolute(name)) return loadAdapter(name, name)
  const packageName = PACKAGES.get(name) ?? (config.adapter === undefined ? undefined : name)
  if (packageName === undefined) throw unknownScheme(name)
  const file = await installedAt(packageName, folder)
  if (file === undefined) throw new AdapterNotInstalledError(packageName, folder)
  return loadAdapter(packageName, file)
}

function schemeOf(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase()
  if (scheme !== undefined) return scheme
  throw new UnknownBrokerError(
    `The broker ${JSON.stringify(redactUrl(url))} is not a URL`,
    'Give one such as redis://127.0.0.1:6379, nats://127.0.0.1:4222, kafka://127.0.0.1:9092 or memory:',
  )
}

function unknownScheme(scheme: string): UnknownBrokerError {
  return new UnknownBrokerError(
    `No broker is known for URLs that begin with ${scheme}:`,
    `Known are: ${BROKER_SCHEMES.join(', ')}. For another one name its package, as in { adapter: '@acme/ds-broker', url: '...' }`,
  )
}

async function installedAt(packageName: string, folder: string): Promise<string | undefined> {
  for (const place of [folder, await folderOfProgram(), OWN_FOLDER]) {
    const file = await resolvePackage(packageName, place)
    if (file !== undefined) return file
  }
  return undefined
}

/** Where the program stands that was started: a command installed for all folders has its adapters beside it. */
async function folderOfProgram(): Promise<string> {
  const program = process.argv[1]
  if (program === undefined) return OWN_FOLDER
  return path.dirname(await realpath(program).catch(() => program))
}

async function loadAdapter(name: string, file: string): Promise<BrokerAdapter> {
  const loaded = await importFile(file)
  if (!loaded.ok) {
    const { reason, where, missingPackage } = loaded.failure
    throw new ConfigInvalidError(`The broker adapter ${name} cannot be loaded: ${reason} (${where})`, {
      ...(missingPackage !== undefined && { fix: `Run: npm install ${missingPackage}` }),
    })
  }
  const { adapter } = loaded.exports
  if (isAdapter(adapter)) return adapter
  const exported = Object.keys(loaded.exports).join(', ') || 'nothing'
  throw new ConfigInvalidError(`${name} is no broker adapter: it exports ${exported}`, {
    fix: 'An adapter exports a BrokerAdapter under the name adapter',
  })
}

function isAdapter(value: unknown): value is BrokerAdapter {
  return typeof value === 'object' && value !== null && 'create' in value && typeof value.create === 'function'
}
