import type { ServerKind } from './server.ts'

/** No server could be found or installed. The message lists what was tried, and why each way failed. */
export class ServerUnavailableError extends Error {
  override readonly name = 'ServerUnavailableError'
  readonly code = 'SERVER_UNAVAILABLE'
  readonly kind: ServerKind
  readonly reasons: readonly string[]

  constructor(kind: ServerKind, reasons: readonly string[]) {
    super(
      `No ${kind} server for tests: ${reasons.join('; ')}. ` +
        `Install one so that it is on the PATH, or set ${environmentVariable(kind)} to the URL of a running one.`,
    )
    this.kind = kind
    this.reasons = reasons
  }
}

/** A server's process ended before it was ready, or was not ready in time. The message ends with its last lines. */
export class ServerStartError extends Error {
  override readonly name: string = 'ServerStartError'
  readonly code: string = 'SERVER_START'

  constructor(what: string, log: string, cause?: unknown) {
    const lines = log.trimEnd().split('\n').slice(-15).join('\n')
    super(`${what}. ${lines === '' ? 'It logged nothing.' : `Its last lines:\n${lines}`}`, { cause })
  }
}

/** Somebody else took the port between choosing it and listening on it. */
export class PortTakenError extends ServerStartError {
  override readonly name = 'PortTakenError'
  override readonly code = 'SERVER_PORT_TAKEN'
}

/** The server cannot do what was asked of it: it was closed, or is not this process's own. */
export class ServerControlError extends Error {
  override readonly name = 'ServerControlError'
  readonly code = 'SERVER_CONTROL'
}

/** The variable that names a running server, which tests then use and never stop: `DS_TEST_REDIS_URL`. */
export function environmentVariable(kind: ServerKind): string {
  return `DS_TEST_${kind.toUpperCase()}_URL`
}
