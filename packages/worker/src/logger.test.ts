import { BrokerUnavailableError } from '@ds/core'
import { afterEach, expect, it, vi } from 'vitest'
import { createLogger } from './logger.ts'
import type { LoggerOptions } from './logger.ts'

afterEach(() => void vi.unstubAllEnvs())

function collected(options: LoggerOptions = {}) {
  const lines: string[] = []
  return { logger: createLogger({ format: 'json', write: (line) => void lines.push(line), ...options }), lines }
}

it('writes one JSON object a line', () => {
  const { logger, lines } = collected()
  logger.info('started', { slots: 3 })
  expect(lines).toHaveLength(1)
  expect(lines[0]).toMatch(/\n$/)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
    level: 'info',
    message: 'started',
    slots: 3,
  })
})

it('adds the fields of a child to each of its lines', () => {
  const { logger, lines } = collected()
  logger.child({ task: 't1' }).child({ attempt: 2 }).warn('again', { attempt: 3 })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ task: 't1', attempt: 3, message: 'again' })
})

it('writes short lines for people', () => {
  vi.stubEnv('NO_COLOR', '1')
  const { logger, lines } = collected({ format: 'pretty' })
  logger.warn('slow broker', { ms: 12, where: 'a b' })
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}slow broker {2}ms=12 where="a b"\n$/)
})

it('writes what is at least of its level', () => {
  const { logger, lines } = collected({ level: 'warn' })
  logger.info('no')
  logger.error('yes')
  expect(lines).toHaveLength(1)
  const silent = collected({ level: 'silent' })
  silent.logger.error('no')
  expect(silent.lines).toEqual([])
})

it('takes its level from DS_LOG_LEVEL, and refuses one that does not exist', () => {
  vi.stubEnv('DS_LOG_LEVEL', 'debug')
  const { logger, lines } = collected()
  logger.debug('seen')
  expect(lines).toHaveLength(1)
  vi.stubEnv('DS_LOG_LEVEL', 'loud')
  expect(() => createLogger()).toThrow(/DS_LOG_LEVEL is "loud". Use one of debug, info/)
})

it('writes errors of ours without a stack: they say what to do', () => {
  const { logger, lines } = collected()
  logger.warn('away', { error: new BrokerUnavailableError('Redis does not answer', { fix: 'Check that it runs' }) })
  const error = { name: 'BrokerUnavailable', message: 'Redis does not answer. Check that it runs' }
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ error })
  expect(lines[0]).not.toContain('logger.test.ts')
})

it('writes errors, and what JSON cannot say, rather than failing', () => {
  const { logger, lines } = collected()
  const circular: Record<string, unknown> = { big: 10n }
  circular['self'] = circular
  logger.error('odd', { error: new TypeError('boom'), circular, big: 10n, absent: undefined })
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    error: { name: 'TypeError', message: 'boom', stack: expect.stringContaining('logger.test.ts') as string },
    circular: expect.stringContaining('[Circular') as string,
    big: '10n',
  })
})
