import { BrokerMisconfiguredError, BrokerRefusedError, BrokerUnavailableError, DsError } from '@ds/core'
import { isPassing, typeOf } from './port/error-codes.ts'

/** What a native error is about, as far as a caller can do something about it. */
type Kind = 'unavailable' | 'refused' | 'misconfigured'

interface Rule {
  readonly pattern: RegExp
  readonly kind: Kind
  readonly what: string
  readonly fix?: string
}

/** Read from the top: the first that fits counts. Patterns are tried on `type code name message`. */
const RULES: readonly Rule[] = [
  {
    // Log in that was cut off says nothing about the password.
    pattern: /SASL.*(Closed connection|Connection closed|Connection error|timed out|had no answer)/i,
    kind: 'unavailable',
    what: 'went away during log in',
  },
  {
    pattern: /SASL_AUTHENTICATION_FAILED|KafkaJSSASLAuthenticationError.*(failed|Invalid)|Authentication failed/i,
    kind: 'refused',
    what: 'refused the user or password',
    fix: 'Check both, and the mechanism, as in kafka://user:password@host:port?mechanism=scram-sha-256',
  },
  {
    pattern: /UNSUPPORTED_SASL_MECHANISM|mechanism is not supported/i,
    kind: 'refused',
    what: 'does not offer this way to log in',
    fix: 'Choose the mechanism it offers: plain, scram-sha-256 or scram-sha-512',
  },
  {
    pattern: /ILLEGAL_SASL_STATE/,
    kind: 'refused',
    what: 'does not expect a user and password there',
    fix: 'Leave them out, or use the port of the listener that asks for them',
  },
  {
    pattern: /CLUSTER_AUTHORIZATION_FAILED/,
    kind: 'refused',
    what: 'does not allow this user to create topics',
    fix: 'Allow it Create on topics that begin with ds. , or create them beforehand',
  },
  {
    pattern: /TOPIC_AUTHORIZATION_FAILED/,
    kind: 'refused',
    what: 'does not allow this user a topic that tasks need',
    fix: 'Allow it Create, Describe, Read, Write and Delete on topics that begin with ds.',
  },
  {
    pattern: /GROUP_AUTHORIZATION_FAILED/,
    kind: 'refused',
    what: 'does not allow this user a consumer group that tasks need',
    fix: 'Allow it Describe and Read on groups that begin with ds.',
  },
  {
    pattern:
      /\b(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID)\b|self.signed certificate|unable to verify/i,
    kind: 'refused',
    what: 'shows a certificate that is not trusted',
    fix: 'Give its authority in the option tls: { ca }',
  },
  {
    pattern: /certificate required|\bERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED\b|bad certificate/i,
    kind: 'refused',
    what: 'asks for a certificate of the client',
    fix: 'Give one in the option tls: { cert, key }',
  },
  {
    pattern: /\b(EPROTO|ERR_SSL_[A-Z0-9_]+)\b|wrong version number|packet length too long/i,
    kind: 'refused',
    what: 'does not speak TLS the way it was asked to',
    fix: 'Check host and port, and that the server expects TLS there',
  },
  {
    pattern: /INVALID_REPLICATION_FACTOR/,
    kind: 'misconfigured',
    what: 'has fewer servers than the replicas that topics are to have',
    fix: 'Lower replicationFactor, or start more servers',
  },
  {
    pattern: /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/,
    kind: 'misconfigured',
    what: 'refuses a record of this size',
    fix: 'Raise max.message.bytes of the topic, or lower maxPayload',
  },
  {
    pattern: /POLICY_VIOLATION|INVALID_CONFIG|INVALID_PARTITIONS|INVALID_TOPIC_EXCEPTION|INVALID_REQUEST/,
    kind: 'misconfigured',
    what: 'does not create or write topics as tasks need them',
    fix: 'See the policy in its server.properties',
  },
  {
    pattern: /INVALID_SESSION_TIMEOUT|GROUP_MAX_SIZE_REACHED|INCONSISTENT_GROUP_PROTOCOL/,
    kind: 'misconfigured',
    what: 'does not let this process into its group',
    fix: 'See group.min.session.timeout.ms, group.max.session.timeout.ms and group.max.size, and that no other program uses the group',
  },
  {
    pattern: /UNSUPPORTED_VERSION|KafkaJSServerDoesNotSupportApiKey|UNSUPPORTED_FOR_MESSAGE_FORMAT/,
    kind: 'misconfigured',
    what: 'is too old',
    fix: 'Use Apache Kafka 2.3 or later',
  },
  {
    pattern: /UNKNOWN_TOPIC_OR_PARTITION/,
    kind: 'misconfigured',
    what: 'does not have a topic that tasks need',
    fix: 'Look for who deletes topics; connect again to create it',
  },
  {
    pattern: /NOT_ENOUGH_REPLICAS/,
    kind: 'unavailable',
    what: 'has fewer replicas in sync than min.insync.replicas asks for',
    fix: 'It goes on when they are back',
  },
  {
    pattern: /Closed connection/i,
    kind: 'unavailable',
    what: 'closed the connection',
    fix: 'If it goes on: it may expect TLS (kafkas://), or a user and password',
  },
]

const CLASSES = {
  unavailable: BrokerUnavailableError,
  refused: BrokerRefusedError,
  misconfigured: BrokerMisconfiguredError,
} as const

/** Answers of the server that say no and are none of the rules above. */
const TRANSPORT =
  /Connection|Timeout|Lock|BrokerNotFound|MetadataNotLoaded|NoBrokerAvailable|TooLate|CoordinatorNotFound|\bE(CONN|TIMEDOUT|PIPE|HOST|NET|NOTFOUND|AI_AGAIN)/

/** An error of the client library or of the server, as one of ours. `address` is where it came from, without credentials. */
export function toBrokerError(error: unknown, address: string): DsError {
  if (DsError.is(error)) return error
  const text = describe(error)
  const cause = withoutSecrets(error)
  const rule = RULES.find(({ pattern }) => pattern.test(text))
  if (rule) {
    const message = `Kafka at ${address} ${rule.what} (${cause.message})`
    return new CLASSES[rule.kind](message, { cause, ...(rule.fix !== undefined && { fix: rule.fix }) })
  }
  if (passes(error) || TRANSPORT.test(text) || !isAnswer(error)) {
    const fix = 'Check that it runs and that host and port are right'
    return new BrokerUnavailableError(`Kafka at ${address} does not answer (${cause.message})`, { cause, fix })
  }
  return new BrokerMisconfiguredError(`Kafka at ${address} answered with an error: ${cause.message}`, { cause })
}

/** Whether trying again cannot help. */
export function isHopeless(error: DsError): boolean {
  return error.code === 'BrokerRefused' || error.code === 'BrokerMisconfigured'
}

function passes(error: unknown): boolean {
  const type = typeOf(error)
  if (type !== undefined && isPassing(type)) return true
  return error instanceof Error && 'retriable' in error && error.retriable === true
}

function isAnswer(error: unknown): boolean {
  return typeOf(error) !== undefined
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const type = 'type' in error ? String(error.type) : ''
  const code = 'code' in error ? String(error.code) : ''
  return [type, code, error.name, error.message, ...innerOf(error).map(describe)].join(' ')
}

function innerOf(error: Error): unknown[] {
  const parts = 'errors' in error && Array.isArray(error.errors) ? (error.errors as unknown[]) : []
  return error.cause === undefined ? parts : [error.cause, ...parts]
}

/** One line, with nothing hanging on it: the library's errors carry requests and long stacks. */
function withoutSecrets(error: unknown): Error {
  const [inner] = error instanceof Error && 'errors' in error ? innerOf(error) : []
  const source = inner ?? error
  const type = typeOf(source)
  const text = source instanceof Error ? source.message || source.name : String(source)
  const [line = ''] = text.split('\n')
  const shown = type === undefined || line.includes(type) ? line : `${type}: ${line}`
  const clean = new Error(shown.slice(0, 300).trim())
  clean.name = source instanceof Error ? source.name : 'Error'
  return clean
}
