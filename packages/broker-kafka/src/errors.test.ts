import { BrokerClosedError, DsError } from '@ds/core'
import { describe, expect, test } from 'vitest'
import { isHopeless, toBrokerError } from './errors.ts'

const ADDRESS = 'kafka://host:9092'

/** An error as the library throws it. */
function native(name: string, message: string, more: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(message), { name, ...more })
}

/** An answer of the server that says no. */
function answer(type: string, more: Record<string, unknown> = {}): Error {
  return native('KafkaJSProtocolError', 'The server says no', { type, ...more })
}

describe('an error of Kafka', () => {
  test.each([
    [
      'nobody there',
      native('KafkaJSConnectionError', 'Connection error: connect ECONNREFUSED', { code: 'ECONNREFUSED' }),
    ],
    ['no answer', native('KafkaJSRequestTimeoutError', 'Request Fetch timed out')],
    ['cut', native('KafkaJSConnectionClosedError', 'Closed connection')],
    ['cut during log in', native('KafkaJSSASLAuthenticationError', 'SASL SCRAM failed: Closed connection')],
    ['no leader', answer('LEADER_NOT_AVAILABLE')],
    ['replicas missing', answer('NOT_ENOUGH_REPLICAS')],
    ['retriable by its own word', answer('SOMETHING_NEW', { retriable: true })],
    ['not of the server at all', new TypeError('x is not a function')],
  ])('%s: unavailable, worth another try', (_name, error) => {
    const typed = toBrokerError(error, ADDRESS)
    expect(typed.code).toBe('BrokerUnavailable')
    expect(typed.message).toContain(ADDRESS)
    expect(isHopeless(typed)).toBe(false)
  })

  test.each([
    ['wrong password', answer('SASL_AUTHENTICATION_FAILED'), 'password'],
    [
      'wrong password by SCRAM',
      native('KafkaJSSASLAuthenticationError', 'SASL SCRAM failed: Authentication failed'),
      'password',
    ],
    [
      'mechanism',
      native('KafkaJSSASLAuthenticationError', 'SASL PLAIN mechanism is not supported by the server'),
      'mechanism',
    ],
    ['topics', answer('TOPIC_AUTHORIZATION_FAILED'), 'Allow it'],
    ['cluster', answer('CLUSTER_AUTHORIZATION_FAILED'), 'Create'],
    ['group', answer('GROUP_AUTHORIZATION_FAILED'), 'groups'],
    ['certificate', native('KafkaJSConnectionError', 'Connection error: self-signed certificate'), 'tls: { ca }'],
    ['TLS to a plain port', native('KafkaJSConnectionError', 'Connection error: wrong version number'), 'TLS'],
  ])('%s: refused, with what to do', (_name, error, words) => {
    const typed = toBrokerError(error, ADDRESS)
    expect(typed.code).toBe('BrokerRefused')
    expect(typed.message).toContain(words)
    expect(isHopeless(typed)).toBe(true)
  })

  test.each([
    ['replicas', answer('INVALID_REPLICATION_FACTOR'), 'replicationFactor'],
    ['size', answer('MESSAGE_TOO_LARGE'), 'max.message.bytes'],
    ['unknown topic', answer('UNKNOWN_TOPIC_OR_PARTITION', { retriable: true }), 'topic'],
    ['age of the server', answer('UNSUPPORTED_VERSION'), '2.3'],
    ['anything else it says', answer('SOMETHING_ELSE', { retriable: false }), 'SOMETHING_ELSE'],
  ])('%s: misconfigured, with what to do', (_name, error, words) => {
    const typed = toBrokerError(error, ADDRESS)
    expect(typed.code).toBe('BrokerMisconfigured')
    expect(typed.message).toContain(words)
  })

  test('of several in one, the first says what it is', () => {
    const error = native('KafkaJSAggregateError', 'Topic creation errors', {
      errors: [answer('INVALID_REPLICATION_FACTOR')],
    })
    expect(toBrokerError(error, ADDRESS).message).toContain('INVALID_REPLICATION_FACTOR')
  })

  test('hidden behind retries, the cause says what it is', () => {
    const cause = answer('SASL_AUTHENTICATION_FAILED')
    expect(toBrokerError(native('KafkaJSNumberOfRetriesExceeded', 'gave up', { cause }), ADDRESS).code).toBe(
      'BrokerRefused',
    )
  })

  test('an error of ours stays as it is', () => {
    const error = new BrokerClosedError()
    expect(toBrokerError(error, ADDRESS)).toBe(error)
  })

  test('what hangs on it does not go further', () => {
    const error = native('KafkaJSConnectionError', 'Connection error\nsecond line', { payload: 'the args of a task' })
    const typed = toBrokerError(error, ADDRESS)
    expect(DsError.is(typed)).toBe(true)
    expect(JSON.stringify(typed.cause, Object.getOwnPropertyNames(typed.cause))).not.toContain('the args')
    expect(typed.message).not.toContain('second line')
  })
})
