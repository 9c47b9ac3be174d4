import { isApp } from '../app/app.ts'
import type { App } from '../app/app.ts'
import type { Broker } from '../broker/broker.ts'
import type { BrokerConfig, ResolvedWorkerConfig } from './config.ts'
import { unknownKey } from '../known-keys.ts'
import { milliseconds } from '../duration.ts'
import { wholeNumber } from '../tasks/define-task.ts'
import { ConfigInvalidError } from '../errors.ts'
import { checkLabel } from '../names.ts'
import { redactUrl } from '../redact-url.ts'
import type { AnyTaskDefinition } from '../tasks/task-definition.ts'

/** Where a value was found, for messages: `worker.lease` in `/project/ds.config.ts`. */
export interface Place {
  readonly path: string
  readonly source: string
}

/** Checks a value and gives what it means; throws a `ConfigInvalidError` that names the place. */
export type Field<Value> = (value: unknown, place: Place) => Value

/** What the fields of a table give, where they are present. */
export type FieldValues<Fields> = {
  -readonly [Key in keyof Fields]?: Fields[Key] extends Field<infer Value> ? Value : never
}

/** A part of the config: what its fields gave. */
export interface ConfigPart {
  app?: string | App<AnyTaskDefinition>
  broker?: BrokerConfig | Broker
  namespace?: string
  retention?: { age?: number; count?: number }
  maxPayload?: number
  requireDurable?: boolean
  worker?: { -readonly [Key in keyof ResolvedWorkerConfig]: ResolvedWorkerConfig[Key] }
}

/** Checks a config, or a part of one. */
export const configFields: Field<ConfigPart> = table({
  app,
  broker,
  namespace: label,
  retention: table({ age: duration, count: whole(0) }),
  maxPayload: bytes,
  requireDurable: flag,
  worker: table({
    concurrency: whole(1),
    groups: labels,
    lease: duration,
    drain: duration,
    processes: whole(1),
  }),
})

/** Checks an object against a table of fields: a key that is not in the table is an error. Absent and undefined are the same. */
export function table<Fields extends Readonly<Record<string, Field<unknown>>>>(
  fields: Fields,
): Field<FieldValues<Fields>> {
  return (value, place) => {
    if (!isObject(value) || Array.isArray(value)) throw invalid(place, value, 'Give an object')
    const checked: Record<string, unknown> = {}
    for (const [key, item] of Object.entries(value)) {
      const field = Object.hasOwn(fields, key) ? fields[key] : undefined
      const inside = { path: place.path === '' ? key : `${place.path}.${key}`, source: place.source }
      if (!field) throw unknownKey(key, Object.keys(fields), inside)
      if (item !== undefined) checked[key] = field(item, inside)
    }
    return checked as FieldValues<Fields>
  }
}

function app(value: unknown, place: Place): string | App<AnyTaskDefinition> {
  if (isApp(value) || (typeof value === 'string' && value !== '')) return value
  throw invalid(place, value, 'Give a file such as ./tasks.ts, the name of an installed package, or an App')
}

function broker(value: unknown, place: Place): BrokerConfig | Broker {
  if (typeof value === 'string' && value !== '') return { url: value }
  if (isBroker(value)) return value
  const fix = 'Give a URL such as redis://127.0.0.1:6379, an object with a url or an adapter, or a Broker'
  if (!isObject(value)) throw invalid(place, value, fix)
  for (const key of ['url', 'adapter'] as const) {
    if (value[key] !== undefined && (typeof value[key] !== 'string' || value[key] === ''))
      throw invalid({ path: `${place.path}.${key}`, source: place.source }, value[key], 'Give a text')
  }
  if (value.url === undefined && value.adapter === undefined) throw invalid(place, value, fix)
  return value as BrokerConfig
}

/** Whether a value is a broker that somebody made already. */
export function isBroker(value: unknown): value is Broker {
  return isObject(value) && typeof value.submit === 'function' && typeof value.subscribe === 'function'
}

function label(value: unknown, place: Place): string {
  return explained(place, value, () => checkLabel(place.path, value))
}

function labels(value: unknown, place: Place): string[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(place, value, 'Give a list of names')
  return value.map((item, index) => label(item, { path: `${place.path}[${index}]`, source: place.source }))
}

function duration(value: unknown, place: Place): number {
  return explained(place, value, () => milliseconds(value as string))
}

function whole(minimum: number): Field<number> {
  return (value, place) => explained(place, value, () => wholeNumber(place.path, value, minimum))
}

function flag(value: unknown, place: Place): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(place, value, 'Give true or false')
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, kb: 1024, mb: 1024 * 1024 }

function bytes(value: unknown, place: Place): number {
  const match = /^(\d+)\s*(b|kb|mb|)$/i.exec(typeof value === 'number' ? String(value) : textOf(value))
  const size = Number(match?.[1]) * (UNITS[match?.[2]?.toLowerCase() ?? ''] ?? NaN)
  if (Number.isSafeInteger(size) && size > 0) return size
  throw invalid(place, value, 'Give bytes, or a number with kb or mb, as in 512kb')
}

/** Puts the place into the message of a check that knows nothing of places. */
function explained<Value>(place: Place, value: unknown, check: () => Value): Value {
  try {
    return check()
  } catch (error) {
    throw invalid(place, value, error instanceof ConfigInvalidError ? (error.fix ?? '') : String(error))
  }
}

function invalid({ path, source }: Place, value: unknown, fix: string): ConfigInvalidError {
  const what = path === '' ? `The config in ${source}` : `${path} in ${source}`
  return new ConfigInvalidError(`${what} is ${shown(value)}`, { fix })
}

/** A value as a message may show it: short, and without what may be a password. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(redactUrl(value.slice(0, 100)))
  if (isObject(value)) return Array.isArray(value) ? `a list of ${value.length}` : 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : ''
}
