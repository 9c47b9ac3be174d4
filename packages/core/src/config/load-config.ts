import { access, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { BrokerConfig, DsConfig, ResolvedConfig } from './config.ts'
import { configFields, isBroker } from './config-fields.ts'
import type { ConfigPart } from './config-fields.ts'
import { configOfEnvironment, mergeParts, warnOfUnknownVariables } from './environment.ts'
import type { Environment } from './environment.ts'
import { ConfigInvalidError } from '../errors.ts'
import { importFile } from '../import-module.ts'
import { isFileReference } from '../app/load-app.ts'
import { DEFAULT_NAMESPACE } from '../names.ts'

/** A config given in code. `config` names the config file; without it one is looked for. */
export interface ConfigOptions extends DsConfig {
  readonly config?: string
}

/** Where a config is looked for. */
export interface ConfigSurroundings {
  /** Where to look for a config file, and upward from there. Default: the working directory. */
  readonly cwd?: string
  /** Default: `process.env`. */
  readonly environment?: Environment
}

/** The names of a config file, in the order in which they are looked for. */
export const CONFIG_FILES: readonly string[] = ['ds.config.ts', 'ds.config.js', 'ds.config.mjs', 'ds.config.json']

/**
 * The config that holds here: what is given, over `DS_*` environment variables, over the config file, over the defaults.
 * @throws ConfigInvalidError that names the key, where it stands, and what is known.
 */
export async function loadConfig(
  options: ConfigOptions = {},
  { cwd = process.cwd(), environment = process.env }: ConfigSurroundings = {},
): Promise<ResolvedConfig> {
  warnOfUnknownVariables(environment)
  const { config, ...explicit } = options
  const given = configFields(explicit, { path: '', source: 'the options' })
  if (isBroker(given.broker)) refuseBesideBroker(given)
  const set = configOfEnvironment(environment)
  const file = await configFile(config ?? (environment.DS_CONFIG?.trim() || undefined), cwd)
  const read = file === undefined ? {} : await readConfigFile(file)
  const folder = file === undefined ? cwd : path.dirname(file)
  // A file named in code or in the environment is relative to where the program was started.
  const merged = mergeParts(anchored(read, folder), anchored(set, cwd), anchored(given, cwd))
  return {
    ...merged,
    broker: merged.broker ?? { url: 'memory:' },
    namespace: merged.namespace ?? DEFAULT_NAMESPACE,
    requireDurable: merged.requireDurable ?? false,
    worker: merged.worker ?? {},
    folder,
    ...(file !== undefined && { file }),
  }
}

/** The config file: the one that is named, which must be there, or the first found from a folder upward. */
async function configFile(named: string | undefined, cwd: string): Promise<string | undefined> {
  if (named !== undefined) {
    const file = path.resolve(cwd, named)
    if (await exists(file)) return file
    throw new ConfigInvalidError(`There is no config file ${file}`, { fix: 'Check the path, or leave it out' })
  }
  for (const folder of upward(cwd)) {
    for (const name of CONFIG_FILES) {
      if (await exists(path.join(folder, name))) return path.join(folder, name)
    }
  }
  return undefined
}

/** A folder and those that hold it, innermost first. */
export function* upward(folder: string): Generator<string> {
  let current = path.resolve(folder)
  for (;;) {
    yield current
    const parent = path.dirname(current)
    if (parent === current) return
    current = parent
  }
}

async function readConfigFile(file: string): Promise<ConfigPart> {
  const value = file.endsWith('.json') ? await readJson(file) : await readModule(file)
  return configFields(value, { path: '', source: file })
}

const EXCERPT = /, (?:\.\.\.)?".* is not valid JSON$/su

async function readJson(file: string): Promise<unknown> {
  try {
    // Takes a byte order mark away, as some editors write one.
    return JSON.parse(new TextDecoder().decode(await readFile(file))) as unknown
  } catch (error) {
    // The excerpt that Node shows may be of a password: neither here nor in a cause.
    const reason = (error instanceof Error ? error.message : String(error)).replace(EXCERPT, '')
    throw new ConfigInvalidError(`${file} is not valid JSON: ${reason}`)
  }
}

async function readModule(file: string): Promise<unknown> {
  const loaded = await importFile(file)
  if (!loaded.ok) {
    const { where, reason, missingPackage } = loaded.failure
    throw new ConfigInvalidError(`The config ${file} cannot be loaded: ${reason} (${where})`, {
      ...(missingPackage !== undefined && { fix: `Run: npm install ${missingPackage}` }),
    })
  }
  if (loaded.exports.default !== undefined) return loaded.exports.default
  throw new ConfigInvalidError(`The config ${file} has no default export`, {
    fix: 'Write: export default defineConfig({ ... })',
  })
}

/** The same part with a relative App file or adapter file made absolute. */
function anchored(part: ConfigPart, folder: string): ConfigPart {
  const { app, broker } = part
  return {
    ...part,
    ...(typeof app === 'string' && { app: anchoredPath(app, folder) }),
    ...(broker && !isBroker(broker) && { broker: anchoredAdapter(broker, folder) }),
  }
}

function anchoredAdapter(broker: BrokerConfig, folder: string): BrokerConfig {
  return broker.adapter?.startsWith('.') ? { ...broker, adapter: path.resolve(folder, broker.adapter) } : broker
}

function anchoredPath(reference: string, folder: string): string {
  return isFileReference(reference) ? path.resolve(folder, reference) : reference
}

/** Options that only the making of a broker can heed have no meaning beside one that is made. */
function refuseBesideBroker(part: ConfigPart): void {
  const key = (['namespace', 'retention', 'maxPayload', 'requireDurable'] as const).find(
    (name) => part[name] !== undefined,
  )
  if (key === undefined) return
  throw new ConfigInvalidError(`${key} is given beside a broker that is made already`, {
    fix: `Give ${key} where that broker is made`,
  })
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}
