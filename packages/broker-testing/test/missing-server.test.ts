import { afterEach, describe, expect, test, vi } from 'vitest'
import { ServerUnavailableError } from '../src/servers/errors.ts'
import { whyNoServer } from '../src/servers/start.ts'

const nowhere = { executable: '/nowhere/a-server' }

describe('a server that cannot be had', () => {
  afterEach(() => void vi.unstubAllEnvs())

  test.each(['redis', 'nats'] as const)('is a reason to skip that says what to do: %s', async (kind) => {
    vi.stubEnv('CI', undefined)
    const reason = await whyNoServer(kind, nowhere)
    expect(reason).toContain(`No ${kind} server for tests: /nowhere/a-server: `)
    expect(reason).toContain(`or set DS_TEST_${kind.toUpperCase()}_URL`)
  })

  test.each(['redis', 'nats'] as const)('is a failure in CI: %s', async (kind) => {
    vi.stubEnv('CI', 'true')
    await expect(whyNoServer(kind, nowhere)).rejects.toThrow(ServerUnavailableError)
  })

  test('is not installed where that is forbidden', async () => {
    vi.stubEnv('CI', undefined)
    vi.stubEnv('DS_TEST_INSTALL', 'never')
    const reason = await whyNoServer('nats', { version: '2.99.99' })
    expect(reason).toContain('DS_TEST_INSTALL=never forbids to install nats-server-2.99.99')
  })

  test('is not needed where the environment names one', async () => {
    vi.stubEnv('DS_TEST_KAFKA_URL', 'kafka://127.0.0.1:9092')
    expect(await whyNoServer('kafka', {})).toBe(undefined)
  })
})
