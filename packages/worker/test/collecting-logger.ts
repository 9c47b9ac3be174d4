import type { LogFields, Logger } from '@ds/core'

export interface CollectedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** A logger that keeps its lines. */
export function collectingLogger(): { logger: Logger; lines: CollectedLine[] } {
  const lines: CollectedLine[] = []
  return { logger: loggerInto(lines, {}), lines }
}

function loggerInto(lines: CollectedLine[], bound: LogFields): Logger {
  const at =
    (level: CollectedLine['level']) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields: { ...bound, ...fields } })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerInto(lines, { ...bound, ...fields }),
  }
}
