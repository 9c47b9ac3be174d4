import { expect, test } from 'vitest'
import { redactUrl } from './redact-url.ts'

test.each([
  ['redis://127.0.0.1:6379/2', 'redis://127.0.0.1:6379/2'],
  ['memory:', 'memory:'],
  ['redis://user:secret@host:6379', 'redis://***@host:6379'],
  ['redis://:secret@host', 'redis://***@host'],
  ['redis://user:se@cr/et@host', 'redis://***@host'],
  ['redis://user:a,b@host', 'redis://***@host'],
  ['nats://token@a:4222,nats://u:p@b:4222', 'nats://***@a:4222,nats://***@b:4222'],
  ['nats://u:p@a:4222,u:p@b:4222', 'nats://***@b:4222'],
  ['kafka://a:9092,b:9092', 'kafka://a:9092,b:9092'],
  ['redis://host?password=secret&db=2', 'redis://host?password=***&db=2'],
  ['kafka://host?saslPassword=secret&ssl=true#x', 'kafka://host?saslPassword=***&ssl=true#x'],
  ['nats://host?authToken=secret', 'nats://host?authToken=***'],
  ['redis:user:secret@host', '***@host'],
  ['nats:/secret@host', '***@host'],
  ['not a url', 'not a url'],
])('shows %s as %s', (url, shown) => {
  expect(redactUrl(url)).toBe(shown)
})
