import { didYouMean } from '../did-you-mean.ts'
import { configFields } from './config-fields.ts'
import type { ConfigPart } from './config-fields.ts'

/** One `DS_*` variable. */
export interface EnvironmentVariable {
  readonly name: string
  /** The config key it sets, as in `worker.lease`; absent for what is not part of a config. */
  readonly key?: string
  /** What its text stands for; left as it is where it stands for nothing, so that the check of the key names it. */
  readonly read: (text: string) => unknown
  /** For people: one line. */
  readonly meaning: string
}

/** Every environment variable that is read, and what it sets. */
export const ENVIRONMENT: readonly EnvironmentVariable[] = [
  { name: 'DS_CONFIG', read: asText, meaning: 'The config file; none is looked for' },
  { name: 'DS_APP', key: 'app', read: asText, meaning: 'The App that workers run: a file or an installed package' },
  { name: 'DS_BROKER_URL', key: 'broker', read: asText, meaning: 'The broker, as in redis://127.0.0.1:6379' },
  { name: 'DS_NAMESPACE', key: 'namespace', read: asText, meaning: 'The namespace on that broker' },
  {
    name: 'DS_RETENTION_AGE',
    key: 'retention.age',
    read: asTime,
    meaning: 'How long finished tasks are kept, as in 7d',
  },
  { name: 'DS_RETENTION_COUNT', key: 'retention.count', read: asNumber, meaning: 'How many finished tasks are kept' },
  { name: 'DS_MAX_PAYLOAD', key: 'maxPayload', read: asText, meaning: 'Limit of args and result, as in 512kb' },
  { name: 'DS_REQUIRE_DURABLE', key: 'requireDurable', read: asFlag, meaning: 'true: refuse weak durability' },
  { name: 'DS_CONCURRENCY', key: 'worker.concurrency', read: asNumber, meaning: 'Tasks a worker runs at once' },
  { name: 'DS_GROUPS', key: 'worker.groups', read: asList, meaning: 'Groups a worker takes, with commas between them' },
  { name: 'DS_LEASE', key: 'worker.lease', read: asTime, meaning: 'How long the task of a dead worker stays its own' },
  { name: 'DS_DRAIN', key: 'worker.drain', read: asTime, meaning: 'How long running tasks go on at a shutdown' },
  { name: 'DS_PROCESSES', key: 'worker.processes', read: asNumber, meaning: 'Worker processes in a pool' },
]

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The part of a config that the environment sets. An empty variable counts as none.
 * @throws ConfigInvalidError that names the variable.
 */
export function configOfEnvironment(environment: Environment): ConfigPart {
  return mergeParts(...ENVIRONMENT.map((variable) => partOf(variable, environment[variable.name]?.trim())))
}

function partOf({ name, key, read }: EnvironmentVariable, text: string | undefined): ConfigPart {
  if (key === undefined || text === undefined || text === '') return {}
  const value = key.split('.').reduceRight<unknown>((inside, field) => ({ [field]: inside }), read(text))
  return configFields(value, { path: '', source: `the environment variable ${name}` })
}

/** Parts as one; a later one wins, key by key also inside `retention` and `worker`. */
export function mergeParts(...parts: readonly ConfigPart[]): ConfigPart {
  const merged: ConfigPart = {}
  for (const { retention, worker, ...rest } of parts) {
    Object.assign(merged, rest)
    if (retention) merged.retention = { ...merged.retention, ...retention }
    if (worker) merged.worker = { ...merged.worker, ...worker }
  }
  return merged
}

const KNOWN_NAMES = ENVIRONMENT.map(({ name }) => name)
const warned = new Set<string>()

/**
 * Warns, once per process, of `DS_*` variables that are not read. `DS_<PACKAGE>_<NAME>` is left to packages and tests, unless it
 * begins like one of ours or looks like a misspelt one.
 */
export function warnOfUnknownVariables(environment: Environment): void {
  for (const message of unknownVariables(environment)) {
    if (warned.has(message)) continue
    warned.add(message)
    process.emitWarning(message, { type: 'DsWarning' })
  }
}

/** One line for each `DS_*` variable that is not read and was probably meant to be. */
export function unknownVariables(environment: Environment): string[] {
  return Object.keys(environment)
    .filter((name) => name.startsWith('DS_') && !KNOWN_NAMES.includes(name))
    .flatMap((name) => {
      const meant = misspelt(name)
      if (meant === undefined && isOfPackage(name)) return []
      const hint = meant === undefined ? `Known are: ${KNOWN_NAMES.join(', ')}` : `Did you mean ${meant}?`
      return [`The environment variable ${name} is not read. ${hint}`]
    })
}

function misspelt(name: string): string | undefined {
  const meant = didYouMean(
    name.slice(3),
    KNOWN_NAMES.map((known) => known.slice(3)),
  )
  return meant === undefined ? undefined : `DS_${meant}`
}

function isOfPackage(name: string): boolean {
  const [, first, ...rest] = name.split('_')
  return rest.length > 0 && !KNOWN_NAMES.some((known) => known.split('_')[1] === first)
}

function asText(text: string): string {
  return text
}

function asNumber(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text
}

/** A bare number is milliseconds, as it is in code. */
function asTime(text: string): number | string {
  return asNumber(text)
}

function asFlag(text: string): boolean | string {
  if (['true', '1', 'yes'].includes(text.toLowerCase())) return true
  return ['false', '0', 'no'].includes(text.toLowerCase()) ? false : text
}

function asList(text: string): string[] {
  return text.split(',').map((item) => item.trim())
}
