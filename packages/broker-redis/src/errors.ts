import { BrokerMisconfiguredError, BrokerRefusedError, BrokerUnavailableError, DsError } from '@ds/core'

/** What a native error is about, as far as a caller can do something about it. */
type Kind = 'unavailable' | 'refused' | 'misconfigured'

interface Rule {
  readonly pattern: RegExp
  readonly kind: Kind
  readonly what?: string
  readonly fix?: string
}

/** Read from the top: the first that fits counts. Patterns are tried on `code message`. */
const RULES: readonly Rule[] = [
  {
    pattern: /\bLOADING\b/,
    kind: 'unavailable',
    what: 'is still loading its data',
    fix: 'It will answer when it has finished',
  },
  {
    pattern: /\bWRONGPASS\b|invalid (username-password pair|password)|\bAUTH failed\b/i,
    kind: 'refused',
    what: 'refused the user or password',
    fix: 'Check both, as in redis://user:password@host:port',
  },
  {
    pattern: /\bNOAUTH\b|Authentication required/i,
    kind: 'refused',
    what: 'asks for a password and none was given',
    fix: 'Give one, as in redis://:password@host:port',
  },
  {
    pattern: /\bNOPERM\b|no permissions/i,
    kind: 'refused',
    what: 'does not allow this user a command or key that tasks need',
    fix: 'Allow it the keys {ds:<namespace>}:*, the channels of the same name, and scripts, streams, hashes, lists, sets and sorted sets',
  },
  {
    pattern: /Protocol error|Unknown RESP type|got "[^"]*" as reply type|unexpected.*reply/i,
    kind: 'refused',
    what: 'does not speak the Redis protocol',
    fix: 'Check host and port: something else listens there, or it expects TLS (rediss://)',
  },
  {
    pattern:
      /\b(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_HAS_EXPIRED|ERR_TLS_CERT_ALTNAME_INVALID)\b/,
    kind: 'refused',
    what: 'shows a certificate that is not trusted',
    fix: 'Give its authority in the option tls: { ca }',
  },
  {
    pattern: /\b(EPROTO|ERR_SSL_[A-Z_]+)\b|wrong version number/i,
    kind: 'refused',
    what: 'does not speak TLS the way it was asked to',
    fix: 'Check host and port, and that the server expects TLS there',
  },
  {
    pattern: /\bOOM\b/,
    kind: 'misconfigured',
    what: 'is out of memory and refuses to write',
    fix: 'Raise maxmemory, or keep finished tasks for a shorter time',
  },
  {
    pattern: /\bMISCONF\b/,
    kind: 'misconfigured',
    what: 'cannot write its snapshots to disk and refuses to write',
    fix: "Look into the server's log: its disk may be full",
  },
  {
    pattern: /\bREADONLY\b/,
    kind: 'unavailable',
    what: 'is a read-only replica now',
    fix: 'Connect to the master; with Sentinel or a cluster the client finds it by itself',
  },
  {
    pattern: /\bWRONGTYPE\b/,
    kind: 'misconfigured',
    what: 'holds keys of another program under the names of this namespace',
    fix: 'Choose another namespace or database',
  },
  {
    pattern: /\b(MOVED|CROSSSLOT)\b|cluster support disabled/i,
    kind: 'misconfigured',
    what: 'is part of a cluster, and was reached as a single server',
    fix: 'Add ?cluster=true to the URL, or pass a Cluster client of ioredis as `client`',
  },
  {
    pattern: /unknown (command|subcommand)|unknown redis command/i,
    kind: 'misconfigured',
    what: 'does not know a command that tasks need',
    fix: 'Use Redis 6.2 or later, or Valkey, and do not rename its commands',
  },
  {
    pattern: /\b(NOGROUP|UNBLOCKED)\b/,
    kind: 'unavailable',
    what: 'has lost a queue that was being read',
    fix: 'It is made anew; look for who deletes keys or flushes the database',
  },
  {
    pattern: /\b(BUSY|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS|UNKILLABLE|ASK)\b/,
    kind: 'unavailable',
    what: 'cannot answer now',
  },
]

const CONNECTION =
  /Connection is (closed|open)|Stream isn't writeable|max retries per request|Command aborted|Command timed out|Socket (timeout|closed)|isn't ready|None of startup nodes|Failed to refresh slots|All sentinels are unreachable|connect E|read E|write E|\bE(CONN|TIMEDOUT|PIPE|HOST|NET|NOTFOUND|AI_AGAIN)/i

const CLASSES = {
  unavailable: BrokerUnavailableError,
  refused: BrokerRefusedError,
  misconfigured: BrokerMisconfiguredError,
} as const

/** An error of the client library or of the server, as one of ours. `address` is where it came from, without credentials. */
export function toBrokerError(error: unknown, address: string): DsError {
  if (DsError.is(error)) return error
  const text = describe(error)
  const rule = RULES.find(({ pattern }) => pattern.test(text))
  const cause = withoutSecrets(error)
  if (rule?.what !== undefined) {
    const message = `Redis at ${address} ${rule.what} (${cause.message})`
    return new CLASSES[rule.kind](message, { cause, ...(rule.fix !== undefined && { fix: rule.fix }) })
  }
  if (CONNECTION.test(text) || !isReply(error)) {
    const fix = 'Check that it runs and that host and port are right'
    return new BrokerUnavailableError(`Redis at ${address} does not answer (${cause.message})`, { cause, fix })
  }
  return new BrokerMisconfiguredError(`Redis at ${address} answered with an error: ${cause.message}`, { cause })
}

/** Over a full memory a worker keeps what it has and goes on trying, like over an outage. */
export function toOutage(error: DsError): DsError {
  const passes = error.code === 'BrokerMisconfigured' && /\((OOM|MISCONF)\b/.test(error.message)
  return passes ? new BrokerUnavailableError(error.message, { cause: error }) : error
}

/** Whether trying again cannot help. */
export function isHopeless(error: DsError): boolean {
  return error.code === 'BrokerRefused' || error.code === 'BrokerMisconfigured'
}

/** Whether the server does not know a script any more. */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT')
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error ? String(error.code) : ''
  const inner =
    'lastNodeError' in error && error.lastNodeError instanceof Error ? ` ${describe(error.lastNodeError)}` : ''
  return `${code} ${error.message}${inner}`
}

/** The library hangs the command with all its arguments on its errors, passwords and payloads among them. */
function withoutSecrets(error: unknown): Error {
  const source = error instanceof Error && 'lastNodeError' in error ? error.lastNodeError : error
  const text = source instanceof Error ? source.message || describe(source).trim() || source.name : String(source)
  const [line = ''] = text.split('\n')
  const clean = new Error(
    line
      .replace(/,? ?with args beginning with:.*/s, '')
      .replace(/ ?script: [0-9a-f]{40},? ?/, ' ')
      .replace(/\. Please report this\.?$/, '')
      // These name options of the library, which are nobody's to set.
      .replace(/^Stream isn't writeable and enableOfflineQueue.*/, 'there is no connection')
      .replace(/^Reached the max retries per request limit.*/, 'the connection broke')
      .slice(0, 300)
      .trim(),
  )
  clean.name = source instanceof Error ? source.name : 'Error'
  return clean
}
