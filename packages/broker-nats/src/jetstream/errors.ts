import { BrokerMisconfiguredError, BrokerRefusedError, BrokerUnavailableError, DsError } from '@ds/core'
import { JetStreamApiError } from '@nats-io/jetstream'
import { errors } from '@nats-io/transport-node'

/** Codes of the server's JetStream API. */
export const API = {
  resourcesExceeded: 10002,
  insufficientPeers: 10005,
  notReady: 10008,
  consumerNotFound: 10014,
  insufficientResources: 10023,
  consumerMaximum: 10026,
  streamMaximum: 10027,
  noMessage: 10037,
  sequenceNotFound: 10043,
  notEnabledForAccount: 10039,
  noStorage: 10047,
  storeFailed: 10077,
  noMessageToDelete: 10057,
  streamNotFound: 10059,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
  notEnabled: 10076,
  duplicateInProcess: 10158,
  wrongLastSequenceUnknown: 10164,
} as const

/** What the server says of a subject that a user may not use. */
export type PermissionViolation = InstanceType<typeof errors.PermissionViolationError>

const NO_ROOM: readonly number[] = [API.resourcesExceeded, API.insufficientResources, API.noStorage, API.storeFailed]
const NOT_ENABLED: readonly number[] = [API.notEnabledForAccount, API.notEnabled]

/** The code of an error of the JetStream API, also where it is the cause of one of ours; undefined for any other. */
export function apiCode(error: unknown): number | undefined {
  if (error instanceof JetStreamApiError) return error.code
  return DsError.is(error) && error.cause instanceof JetStreamApiError ? error.cause.code : undefined
}

/** A compare-and-set that found another revision. */
export function isConflict(error: unknown): boolean {
  const code = apiCode(error)
  return code === API.wrongLastSequence || code === API.wrongLastSequenceUnknown
}

/** A message that is to be read or deleted and is not there. */
export function isGone(error: unknown): boolean {
  const code = apiCode(error)
  return code === API.noMessage || code === API.noMessageToDelete || code === API.sequenceNotFound
}

/** A server or stream that has no room for another message. */
export function isOutOfRoom(error: unknown): boolean {
  return NO_ROOM.includes(apiCode(error) ?? 0)
}

/** Turns what the client throws into an error of ours. `doing` says what was tried, as in `storing a task`. */
export function toDsError(error: unknown, doing: string): DsError {
  if (DsError.is(error)) return error
  return permanent(error, doing) ?? unavailable(error, doing)
}

/** An error that trying again does not mend; undefined where it may. */
export function permanent(error: unknown, doing: string): DsError | undefined {
  if (DsError.is(error, 'BrokerRefused')) return error
  const cause = rootOf(error)
  if (cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError) {
    return new BrokerRefusedError(`NATS refused the credentials: ${cause.message}`, {
      fix: 'Check user, password, token or credentials file',
      cause: error,
    })
  }
  if (cause instanceof errors.PermissionViolationError) {
    return new BrokerRefusedError(`NATS does not allow ${cause.operation} of ${cause.subject}, which ${doing} needs`, {
      fix: 'Grant the user the subjects that the page of the adapter lists',
      cause: error,
    })
  }
  if (isTlsError(cause)) {
    return new BrokerRefusedError(`The TLS connection to NATS failed: ${messageOf(cause)}`, {
      fix: 'Check tls:// in the URL and the certificates in connection.tls',
      cause: error,
    })
  }
  if (apiCode(cause) === API.consumerMaximum) {
    return new BrokerMisconfiguredError(`NATS refused a consumer while ${doing}: ${messageOf(cause)}`, {
      fix: 'Each group and each reader needs one: use fewer groups, or raise max_consumers of the account or the server',
      cause: error,
    })
  }
  return NOT_ENABLED.includes(apiCode(cause) ?? 0) ? notEnabledError(error) : undefined
}

/** A server or account without JetStream. A server that is starting has none either, but says so in another way: nobody answers. */
export function notEnabledError(cause?: unknown): BrokerMisconfiguredError {
  return new BrokerMisconfiguredError('JetStream is not enabled for this account of the NATS server', {
    fix: 'Start nats-server with -js, or enable JetStream in its configuration and for the account',
    cause,
  })
}

function unavailable(error: unknown, doing: string): BrokerUnavailableError {
  if (isOutOfRoom(error)) {
    return new BrokerUnavailableError(`NATS has no room left for ${doing}: ${messageOf(error)}`, {
      fix: 'Give JetStream more storage (max_file_store, limits of the account), or shorten the retention',
      cause: error,
    })
  }
  return new BrokerUnavailableError(`NATS did not answer while ${doing}: ${messageOf(error)}`, { cause: error })
}

/** A call that waited for the connection to return, in vain. */
export function awayError(doing: string): BrokerUnavailableError {
  return new BrokerUnavailableError(`NATS is away while ${doing}`, { fix: 'It is tried again when the server is back' })
}

/** The client wraps what happened, sometimes more than once. */
function rootOf(error: unknown): unknown {
  let current = error
  for (let depth = 0; depth < 5; depth += 1) {
    if (!(current instanceof Error) || !(current.cause instanceof Error)) return current
    current = current.cause
  }
  return current
}

function isTlsError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  return /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY))/.test(code)
}

/** What an error says of its cause. */
export function reasonOf(error: unknown): string {
  return messageOf(rootOf(error))
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error)
}
