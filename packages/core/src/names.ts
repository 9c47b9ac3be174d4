import { randomUUID } from 'node:crypto'
import { ConfigInvalidError } from './errors.ts'
import { shown } from './shown.ts'

const LABEL = /^[a-z0-9-]{1,48}$/

/** Checks the name of a namespace or group: `[a-z0-9-]{1,48}`. */
export function checkLabel(what: string, value: unknown): string {
  if (typeof value === 'string' && LABEL.test(value)) return value
  throw new ConfigInvalidError(`The ${what} ${shown(value)} is not a valid name`, {
    fix: 'Use 1 to 48 of a-z, 0-9 and -',
  })
}

/** Checks a task id or the name of a definition: 1 to 200 bytes of well-formed UTF-8. */
export function checkId(what: string, value: unknown): string {
  const fits =
    typeof value === 'string' &&
    value.isWellFormed() &&
    value.length > 0 &&
    value.length <= 200 &&
    Buffer.byteLength(value) <= 200
  if (fits) return value
  throw new ConfigInvalidError(`The ${what} ${shown(value)} is not valid`, {
    fix: 'Use 1 to 200 bytes of text',
  })
}

const DRAWN = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** An id for a task whose creator gives none. */
export function drawTaskId(): string {
  return randomUUID()
}

/** Whether an id may have come from {@link drawTaskId}. */
export function isDrawnTaskId(id: string): boolean {
  return DRAWN.test(id)
}

/** The queue that a group's tasks wait in. */
export function queueOf(group: string): string {
  return group
}

/** The group of a task that names none. */
export const DEFAULT_GROUP = 'default'
/** The namespace where none is named. */
export const DEFAULT_NAMESPACE = 'default'
