import { randomBytes } from 'node:crypto'

const PROCESS = randomBytes(9).toString('base64url')
let drawn = 0

/** A text that no other write carries: cheap, for one is drawn for each. */
export function drawNonce(): string {
  drawn += 1
  return `${PROCESS}${drawn.toString(36)}`
}
