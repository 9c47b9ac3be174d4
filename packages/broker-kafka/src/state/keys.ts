import { randomBytes } from 'node:crypto'
import type { KeyMaker } from '../port/log-port.ts'

/** Draws a short name that no other process draws. */
export function drawName(): string {
  return randomBytes(6).toString('base64url')
}

const writer = drawName()
let sends = 0

/**
 * Makes the keys of a record of the task `id`: a new one for each send, for one key written twice would let compaction move the
 * earlier record behind what was written between, and the verdict of the log would change.
 */
export function keyOf(id: string): KeyMaker {
  return () => Buffer.from(`${writer}.${(sends++).toString(36)}:${id}`)
}

/** A key that has to be written again as it is: that of what a tombstone is for. */
export function sameKey(key: string): Buffer {
  return Buffer.from(key)
}

/** The task that a key speaks of; undefined for a key that none of ours has. */
export function idOfKey(key: string): string | undefined {
  const colon = key.indexOf(':')
  return colon < 0 ? undefined : key.slice(colon + 1)
}
