/** Which way bytes travel: from the client to the server, or back. */
export type Direction = 'toServer' | 'toClient'

/** `frozen` holds bytes back and lets them go later; `blackHole` loses them. Connections stay open in both. */
export type LinkState = 'open' | 'frozen' | 'blackHole'

/** When to cut: after so many bytes or chunks have passed in one direction, on all connections together. */
export interface CutPoint {
  direction: Direction
  /** The N-th byte still passes, nothing after it. 0: the first byte is already lost. */
  bytes?: number
  /** The same, counted in pieces as they come from the socket: a small request or answer is mostly one. */
  chunks?: number
}

/** A cut that waits for its moment. */
export interface PendingCut extends CutPoint {
  /** The last byte that passes is known: from here on every connection loses what comes. */
  begin: () => void
  /** That byte is with the kernel (true), or the cut will not happen (false). */
  done: (happened: boolean) => void
}

/** What the proxy does to traffic now; shared by all of its connections. */
export interface Conditions {
  state: LinkState
  latencyMs: number
  /** In each direction of each connection; `undefined` is no limit. */
  bytesPerSecond: number | undefined
  cuts: PendingCut[]
}

/** What a proxy has seen since it was started. */
export interface ProxyStatistics {
  /** Connections accepted from clients. */
  accepted: number
  /** Connections open now, from the clients' side. */
  open: number
  /** Connections that the proxy reset. */
  reset: number
  /** Bytes that passed. */
  toServer: number
  toClient: number
  /** Bytes that a black hole or a cut took. */
  lost: number
}

/** The part of a chunk that still passes the cuts that wait in this direction, and the cut that it sets off. */
export function passCuts(
  conditions: Conditions,
  direction: Direction,
  chunk: Buffer,
): { passing: Buffer; cut: PendingCut | undefined } {
  for (const cut of conditions.cuts) {
    if (cut.direction !== direction) continue
    const passing = countDown(cut, chunk)
    if (passing === undefined) continue
    conditions.cuts = conditions.cuts.filter((other) => other !== cut)
    return { passing, cut }
  }
  return { passing: chunk, cut: undefined }
}

/** What passes of the chunk when it sets the cut off; `undefined` when the cut still waits. */
function countDown(cut: PendingCut, chunk: Buffer): Buffer | undefined {
  if (cut.chunks !== undefined) {
    cut.chunks -= 1
    if (cut.chunks < 0) return chunk.subarray(0, 0)
    if (cut.chunks === 0) return chunk
  }
  if (cut.bytes !== undefined) {
    const left = cut.bytes
    cut.bytes -= chunk.length
    if (cut.bytes <= 0) return chunk.subarray(0, left)
  }
  return undefined
}
