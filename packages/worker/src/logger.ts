import { inspect, styleText } from 'node:util'
import { ConfigInvalidError, DsError } from '@ds/core'
import type { LogFields, Logger } from '@ds/core'

/** The least that a logger writes; `silent` is nothing at all. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
type LineLevel = Exclude<LogLevel, 'silent'>

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** Where a logger writes, what, and how it looks. */
export interface LoggerOptions {
  /** The least that is written. Default: `DS_LOG_LEVEL`, else `info`. */
  readonly level?: LogLevel
  /** `json`: one object a line; `pretty`: short lines for people. Default: pretty where stderr is a terminal. */
  readonly format?: 'json' | 'pretty'
  /** Takes a whole line with its line break. Default: writes to stderr, so that stdout is the program's own. */
  readonly write?: (line: string) => void
}

interface LogTarget {
  readonly threshold: number
  readonly format: (level: LineLevel, message: string, fields: LogFields) => string
  readonly write: (line: string) => void
}

/**
 * The logger of workers that are given no other. Writes what it is told and redacts nothing.
 * @throws ConfigInvalidError for a level that does not exist.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const level = options.level ?? levelFromEnvironment()
  const pretty = (options.format ?? (process.stderr.isTTY ? 'pretty' : 'json')) === 'pretty'
  const target: LogTarget = {
    threshold: LEVELS.indexOf(level),
    format: pretty ? prettyLine : jsonLine,
    write: options.write ?? ((line) => process.stderr.write(line)),
  }
  return new LineLogger(target, {})
}

function levelFromEnvironment(): LogLevel {
  const value = process.env['DS_LOG_LEVEL']
  if (value === undefined || value === '') return 'info'
  const level = LEVELS.find((known) => known === value.toLowerCase())
  if (level) return level
  throw new ConfigInvalidError(`DS_LOG_LEVEL is ${JSON.stringify(value)}`, { fix: `Use one of ${LEVELS.join(', ')}` })
}

class LineLogger implements Logger {
  readonly #target: LogTarget
  readonly #fields: LogFields

  constructor(target: LogTarget, fields: LogFields) {
    this.#target = target
    this.#fields = fields
  }

  debug(message: string, fields?: LogFields): void {
    this.#log('debug', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#log('info', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#log('warn', message, fields)
  }

  error(message: string, fields?: LogFields): void {
    this.#log('error', message, fields)
  }

  child(fields: LogFields): Logger {
    return new LineLogger(this.#target, { ...this.#fields, ...fields })
  }

  #log(level: LineLevel, message: string, fields: LogFields | undefined): void {
    const { threshold, format, write } = this.#target
    if (LEVELS.indexOf(level) >= threshold) write(format(level, message, { ...this.#fields, ...fields }))
  }
}

function jsonLine(level: LineLevel, message: string, fields: LogFields): string {
  const line = { time: new Date().toISOString(), level, message, ...plainFields(fields) }
  return `${JSON.stringify(line)}\n`
}

const LEVEL_STYLES = { debug: 'dim', info: 'cyan', warn: 'yellow', error: 'red' } as const

function prettyLine(level: LineLevel, message: string, fields: LogFields): string {
  const time = new Date().toTimeString().slice(0, 8)
  const shown = Object.entries(plainFields(fields)).map(([key, value]) => ` ${key}=${showValue(value)}`)
  const name = styleText(LEVEL_STYLES[level], level.padEnd(5), { stream: process.stderr })
  const rest = styleText('dim', shown.join(''), { stream: process.stderr })
  return `${time} ${name} ${message}${shown.length > 0 ? ` ${rest}` : ''}\n`
}

function showValue(value: unknown): string {
  if (typeof value === 'string') return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value)
  return JSON.stringify(value)
}

/** Fields as plain JSON, so that they can be written, and sent from a thread or process to its worker. */
export function plainFields(fields: LogFields): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) if (value !== undefined) plain[key] = plainValue(value)
  return plain
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || value === null)
    return value
  // Ours say what to do; where they were made helps nobody.
  if (DsError.is(value)) return { name: value.name, message: value.message }
  if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack }
  if (typeof value !== 'object') return inspect(value)
  try {
    return JSON.parse(JSON.stringify(value)) as unknown
  } catch {
    // Circular, or with a bigint in it: shown rather than lost.
    return inspect(value, { depth: 3, breakLength: Infinity })
  }
}
