import { DsError } from '../errors.ts'
import { STORED_STATES } from '../tasks/task.ts'
import type { WireMessage } from './wire.ts'

/** Bytes or text that are no message of ours, or one of a later version. They are to be parked, never dropped. */
export class UndecodableError extends DsError {
  /** `malformed`: no message at all; `future`: written by a later version of this SDK. */
  readonly reason: 'malformed' | 'future'

  constructor(reason: 'malformed' | 'future', message: string, cause?: unknown) {
    const fix =
      reason === 'future'
        ? 'Upgrade this program, then replay the message'
        : 'Look at it where it is parked; remove or replay it'
    super('Undecodable', message, { fix, cause })
    this.reason = reason
  }
}

/** The newest version of messages that is understood. A message that does not say its version has the first. */
const VERSION = 1

/**
 * Reads a message; fields that are not known are dropped.
 * @throws UndecodableError for what is no message, and for versions from the future.
 */
export function decodeMessage(data: string | Uint8Array): WireMessage {
  const value = parse(data)
  if (!isRecord(value)) throw malformed('it is not an object')
  if (typeof value.schema === 'number' && value.schema > VERSION)
    throw new UndecodableError('future', `A message has version ${value.schema}; up to ${VERSION} are understood`)
  const type = value['@type']
  const fields = typeof type === 'string' && Object.hasOwn(MESSAGES, type) ? MESSAGES[type] : undefined
  if (!fields) throw malformed(`its @type is ${JSON.stringify(type) ?? 'absent'}`)
  return known(value, fields, '') as unknown as WireMessage
}

/** Gives a value back as it is to be kept, or undefined where it does not fit. */
type Check = (value: unknown, path: string) => unknown

interface Fields {
  readonly required: Readonly<Record<string, Check>>
  readonly optional?: Readonly<Record<string, Check>>
}

const STATES: readonly unknown[] = ['CREATED', ...STORED_STATES]
const text: Check = (value) => (typeof value === 'string' ? value : undefined)
const number: Check = (value) => (typeof value === 'number' ? value : undefined)
const flag: Check = (value) => (typeof value === 'boolean' ? value : undefined)
const state: Check = (value) => (STATES.includes(value) ? value : undefined)
const any: Check = (value) => value
const type = text
/** With an offset: a time without one means another moment in every place. */
const time: Check = (value) =>
  typeof value === 'string' && /T.*(Z|[+-]\d\d:?\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : undefined
const texts: Check = (value) =>
  isRecord(value) && Object.values(value).every((item) => typeof item === 'string') ? value : undefined

const frame = record({ required: { name: text, file: text, lineno: number } })
const error = record({
  required: { name: text, message: text, stacktrace: list(frame), '@type': type },
  optional: { cause: text },
})
const result = record({ required: { '@type': type }, optional: { value: any } })

const SHARED = {
  name: text,
  group: text,
  parentId: text,
  state,
  progress: number,
  attempt: number,
  retriesLeft: number,
  version: number,
  runAt: time,
}

function event(required: Readonly<Record<string, Check>> = {}, optional: Readonly<Record<string, Check>> = {}): Fields {
  return {
    required: { taskId: text, createdAt: time, ...required, '@type': type },
    optional: { ...optional, ...SHARED },
  }
}

const MESSAGES: Readonly<Record<string, Fields>> = {
  Task: {
    required: { id: text, name: text, state, createdAt: time, retriesLeft: number, maxRetries: number, '@type': type },
    optional: {
      args: any,
      group: text,
      parentId: text,
      headers: texts,
      progress: number,
      attempt: number,
      failures: number,
      crashes: number,
      runAt: time,
      startedAt: time,
      completedAt: time,
      cancelRequested: record({ required: { requeue: flag } }),
      version: number,
    },
  },
  QueuedEvent: event(),
  StartedEvent: event(),
  ResyncEvent: event(),
  ProgressEvent: event({ progress: number }),
  ErrorEvent: event({ retriesLeft: number }, { error }),
  ResultEvent: event({}, { result }),
  CancelEvent: event({ requeue: flag }),
  CancelledEvent: event({ requeue: flag }),
  ShutdownEvent: { required: { createdAt: time, '@type': type } },
}

/** The fields that are known, in the order of the message. */
function known(
  value: Readonly<Record<string, unknown>>,
  { required, optional = {} }: Fields,
  path: string,
): Record<string, unknown> {
  for (const key of Object.keys(required)) {
    if (value[key] === undefined || value[key] === null) throw malformed(`${path}${key} is missing`)
  }
  const kept: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(value)) {
    const check = Object.hasOwn(required, key)
      ? required[key]
      : Object.hasOwn(optional, key)
        ? optional[key]
        : undefined
    if (!check || item === null) continue
    const checked = check(item, `${path}${key}.`)
    if (checked === undefined) throw malformed(`${path}${key} is ${JSON.stringify(item)?.slice(0, 100)}`)
    kept[key] = checked
  }
  return kept
}

function record(fields: Fields): Check {
  return (value, path) => (isRecord(value) ? known(value, fields, path) : undefined)
}

function list(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return undefined
    const items = value.map((item, index) => check(item, `${path}${index}.`))
    return items.includes(undefined) ? undefined : items
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function parse(data: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof data === 'string' ? data : utf8.decode(data)) as unknown
  } catch (error) {
    throw malformed(error instanceof Error ? error.message : String(error), error)
  }
}

function malformed(why: string, cause?: unknown): UndecodableError {
  return new UndecodableError('malformed', `This is no message: ${why}`, cause)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
