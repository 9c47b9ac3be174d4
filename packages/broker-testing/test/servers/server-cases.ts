import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startChild } from '../../src/faults/child-script.ts'
import { listenOn } from '../../src/faults/ports.ts'
import { isRunning } from '../../src/faults/process-identity.ts'
import { waitUntil, within } from '../../src/faults/waiting.ts'
import { startBehindProxy } from '../../src/servers/behind-proxy.ts'
import { environmentVariable, ServerControlError, ServerStartError } from '../../src/servers/errors.ts'
import { ExternalServer } from '../../src/servers/external-server.ts'
import type { ServerKind, TestServer } from '../../src/servers/server.ts'
import { startServer, whyNoServer } from '../../src/servers/start.ts'
import type { Session } from './clients.ts'

/** Installing may be part of the first start on a machine. */
export const installTimeoutMs = 900_000

const holder = new URL('../scripts/server-holder.ts', import.meta.url)

/** Skips every test of the file, and says why, where there is no such server. In CI it fails instead. */
export function requireServer(kind: ServerKind): void {
  // A broker in Java takes three seconds to start on an idle machine, and many on a busy one.
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })
  let reason: string | undefined
  beforeAll(async () => {
    reason = await whyNoServer(kind, {})
  }, installTimeoutMs)
  beforeEach((context) => context.skip(reason !== undefined, reason))
}

/** What is the same for every kind of server, seen through a client of that kind. */
export function describeServer(kind: ServerKind, open: (url: string) => Promise<Session>): void {
  describe(`a ${kind} server`, () => {
    const sessions: Session[] = []
    let server: TestServer

    // Starting takes seconds for some, so the tests share one server; each begins with it running.
    beforeEach(async () => {
      server ??= await startServer(kind, { ownProcess: true })
      await server.start()
    })

    afterEach(async () => {
      await Promise.all(sessions.splice(0).map((session) => session.close()))
    })

    afterAll(async () => server?.close())

    async function connect(url: string): Promise<Session> {
      const session = await open(url)
      sessions.push(session)
      return session
    }

    test('keeps port, data and clients over stop, restart and kill', async () => {
      const { port, pid } = server
      expect(server).toMatchObject({ kind, host: '127.0.0.1', controllable: true, running: true })
      expect(server.url).toBe(`${kind}://127.0.0.1:${port}`)
      expect(server.version).toMatch(/^\d+\.\d+\.\d+/)
      expect(server.configuration).toContain(String(port))
      const session = await connect(server.url)
      await session.write('before')

      await server.restart()
      await session.write('after the restart')
      expect(server.pid).not.toBe(pid)

      await server.kill()
      expect(server).toMatchObject({ running: false, pid: undefined })
      await server.start()
      await session.write('after the kill')
      expect(server.port).toBe(port)
      expect(await (await connect(server.url)).read()).toEqual(['before', 'after the restart', 'after the kill'])
    })

    test('answers nothing while it is paused, and everything afterwards', async () => {
      const session = await connect(server.url)
      await server.pause()
      const written = session.write('meanwhile').then(() => 'answered')
      expect(await within(written, 500)).toBe(undefined)
      await expect(server.waitUntilReady(100)).rejects.toThrow(ServerStartError)
      await server.resume()
      await server.waitUntilReady()
      expect(await written).toBe('answered')
      expect((await session.read()).at(-1)).toBe('meanwhile')
    })

    test('that the environment names is used as it is, and never stopped', async () => {
      const variable = environmentVariable(kind)
      process.env[variable] = server.url
      try {
        const given: TestServer = await startServer(kind, {})
        expect(given).toBeInstanceOf(ExternalServer)
        expect(given).toMatchObject({ url: server.url, port: server.port, controllable: false, pid: undefined })
        await expect(given.stop()).rejects.toThrow(variable)
        await given.close()
        expect(server.running).toBe(true)
        await server.kill()
        await expect(startServer(kind, {})).rejects.toThrow(`${variable} names 127.0.0.1:${server.port}, where no`)
      } finally {
        delete process.env[variable]
      }
    })

    test('waits for its port when somebody sits on it, and leaves nothing behind in the end', async () => {
      const { port, pid = 0, dataDir = '' } = server
      await server.stop()
      const logged = server.output().length
      const squatter = createServer()
      await listenOn(squatter, port)
      const started = server.start()
      await waitUntil(() => /address already in use/i.test(server.output().slice(logged)), {
        what: 'the server to find its port taken',
        timeoutMs: 60_000,
      })
      squatter.close()
      await started
      expect(server.port).toBe(port)

      const pids = [pid, server.pid ?? 0]
      await server.close()
      await server.close()
      expect(pids.map(isRunning)).toEqual([false, false])
      expect(existsSync(dataDir)).toBe(false)
      await expect(server.start()).rejects.toThrow(ServerControlError)
    })
  })

  describe(`a ${kind} server of its own`, () => {
    test('ends with the process that started it, although that was killed', async () => {
      await using child = await startChild(holder, { arguments: [kind] })
      const line = await child.waitForLine('pid', { timeoutMs: 120_000 })
      const { pid, dataDir } = JSON.parse(line) as { pid: number; dataDir: string }
      expect([isRunning(pid), existsSync(dataDir)]).toEqual([true, true])
      await child.kill()
      await waitUntil(() => !isRunning(pid), { what: 'the server to end', timeoutMs: 5_000 })
      await waitUntil(() => !existsSync(dataDir), { what: 'its folder to go', timeoutMs: 5_000 })
    })

    test('is reached through a proxy, over a cut, a black hole and refused connections', async () => {
      await using behind = await startBehindProxy(kind, {})
      const { server, proxy, url } = behind
      expect(url).toBe(server.url.replace(String(server.port), String(proxy.port)))
      const session = await open(url)
      await session.write('one')
      expect(proxy.statistics().toServer).toBeGreaterThan(0)

      await proxy.cut()
      await session.write('two')

      proxy.blackHole()
      const third = session.write('three').catch(() => 'failed')
      expect(await within(third, 300)).toBe(undefined)
      await proxy.heal()
      await third

      await proxy.cut({ refuse: true })
      await proxy.heal()
      await session.write('four')
      expect(proxy.statistics().accepted).toBeGreaterThanOrEqual(3)
      expect((await session.read()).filter((value) => value !== 'three')).toEqual(['one', 'two', 'four'])
      await session.close()
    })
  })
}
