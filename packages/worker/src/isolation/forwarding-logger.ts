import type { LogFields, Logger } from '@ds/core'
import { plainFields } from '../logger.ts'
import type { LogLine } from './protocol.ts'

/** The logger of a thread or process: its lines are written by its worker. */
export class ForwardingLogger implements Logger {
  readonly #forward: (line: LogLine) => void
  readonly #fields: LogFields

  constructor(forward: (line: LogLine) => void, fields: LogFields = {}) {
    this.#forward = forward
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
    return new ForwardingLogger(this.#forward, { ...this.#fields, ...fields })
  }

  #log(level: LogLine['level'], message: string, fields: LogFields = {}): void {
    this.#forward({ level, message, fields: plainFields({ ...this.#fields, ...fields }) })
  }
}
