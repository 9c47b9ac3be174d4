import { inspect } from 'node:util'
import { BrokerClosedError } from '@ds/core'
import { describe, expect, test } from 'vitest'
import { isHopeless, isUnknownScript, toBrokerError, toOutage } from './errors.ts'

function reply(message: string): Error {
  const error = new Error(message)
  error.name = 'ReplyError'
  return error
}

function system(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

const ADDRESS = 'redis://one:6379'

describe('native errors become ours', () => {
  test.each([
    [reply('LOADING Redis is loading the dataset in memory'), 'BrokerUnavailable', 'is still loading'],
    [reply('WRONGPASS invalid username-password pair or user is disabled.'), 'BrokerRefused', 'user or password'],
    [reply('NOAUTH Authentication required.'), 'BrokerRefused', 'asks for a password'],
    [reply("NOPERM this user has no permissions to run the 'evalsha' command"), 'BrokerRefused', 'does not allow'],
    [reply("OOM command not allowed when used memory > 'maxmemory'."), 'BrokerMisconfigured', 'out of memory'],
    [reply('MISCONF Redis is configured to save RDB snapshots'), 'BrokerMisconfigured', 'snapshots'],
    [reply("READONLY You can't write against a read only replica."), 'BrokerUnavailable', 'read-only replica'],
    [reply('WRONGTYPE Operation against a key'), 'BrokerMisconfigured', 'another program'],
    [reply('MOVED 1234 127.0.0.1:7001'), 'BrokerMisconfigured', 'part of a cluster'],
    [reply("ERR unknown command 'XAUTOCLAIM'"), 'BrokerMisconfigured', 'does not know a command'],
    [reply("NOGROUP No such key 'q' or consumer group 'workers'"), 'BrokerUnavailable', 'lost a queue'],
    [reply('BUSY Redis is busy running a script'), 'BrokerUnavailable', 'cannot answer now'],
    [reply('CLUSTERDOWN The cluster is down'), 'BrokerUnavailable', 'cannot answer now'],
    [reply('ERR something new'), 'BrokerMisconfigured', 'answered with an error'],
    [system('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:6379'), 'BrokerUnavailable', 'does not answer'],
    [system('ENOTFOUND', 'getaddrinfo ENOTFOUND one'), 'BrokerUnavailable', 'does not answer'],
    [system('DEPTH_ZERO_SELF_SIGNED_CERT', 'self-signed certificate'), 'BrokerRefused', 'certificate'],
    [new Error('Connection is closed.'), 'BrokerUnavailable', 'does not answer'],
    [
      new Error("Stream isn't writeable and enableOfflineQueue options is false"),
      'BrokerUnavailable',
      '(there is no connection)',
    ],
    [
      new Error(
        'Reached the max retries per request limit (which is 0). Refer to "maxRetriesPerRequest" option for details.',
      ),
      'BrokerUnavailable',
      '(the connection broke)',
    ],
    [new Error('Protocol error, got "H" as reply type byte. Please report this.'), 'BrokerRefused', 'protocol'],
    ['a text', 'BrokerUnavailable', 'a text'],
  ])('%s', (native, code, words) => {
    const error = toBrokerError(native, ADDRESS)
    expect(error.code).toBe(code)
    expect(error.message).toContain(words)
    expect(error.message).toContain(ADDRESS)
  })

  test('ours stay what they are', () => {
    const ours = new BrokerClosedError()
    expect(toBrokerError(ours, ADDRESS)).toBe(ours)
  })

  test('of a cluster are told by what its node said', () => {
    const error = Object.assign(new Error('Failed to refresh slots cache.'), {
      lastNodeError: reply('NOAUTH Authentication required.'),
    })
    expect(toBrokerError(error, ADDRESS)).toMatchObject({ code: 'BrokerRefused' })
  })
})

test('what a command carried is never shown', () => {
  const error = Object.assign(reply("ERR unknown command 'AUTH', with args beginning with: 'user' 'secret'"), {
    command: { name: 'auth', args: ['user', 'secret'] },
  })
  expect(inspect(toBrokerError(error, ADDRESS), { depth: 10 })).not.toContain('secret')
})

test('over a full memory a worker waits as over an outage; over a refusal it does not', () => {
  const full = toBrokerError(reply("OOM command not allowed when used memory > 'maxmemory'."), ADDRESS)
  expect(toOutage(full)).toMatchObject({ code: 'BrokerUnavailable', message: full.message })
  const refused = toBrokerError(reply('NOAUTH Authentication required.'), ADDRESS)
  expect(toOutage(refused)).toBe(refused)
})

test('only what cannot be mended by trying again is hopeless', () => {
  expect(isHopeless(toBrokerError(reply('NOAUTH Authentication required.'), ADDRESS))).toBe(true)
  expect(isHopeless(toBrokerError(reply('LOADING'), ADDRESS))).toBe(false)
})

test('a script that the server has forgotten is told by its answer', () => {
  expect(isUnknownScript(reply('NOSCRIPT No matching script. Please use EVAL.'))).toBe(true)
  expect(isUnknownScript(reply('ERR no'))).toBe(false)
})
