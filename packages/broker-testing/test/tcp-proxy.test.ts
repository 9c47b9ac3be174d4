import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { freePort, listenOn, loopback } from '../src/faults/ports.ts'
import { TcpProxy } from '../src/faults/tcp-proxy.ts'
import { startProcess } from '../src/faults/watched-process.ts'
import { waitUntil, within } from '../src/faults/waiting.ts'

/** One side of a connection: what it received, and how it ended. */
class Side {
  received = Buffer.alloc(0)
  error: string | undefined
  ended = false
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])))
    socket.on('error', (error: NodeJS.ErrnoException) => (this.error = error.code))
    socket.on('end', () => (this.ended = true))
  }

  async receives(length: number): Promise<string> {
    const what = `${length} bytes, have ${this.received.length}`
    await waitUntil(() => this.received.length >= length, { what, timeoutMs: 5_000, intervalMs: 1 })
    return this.received.toString()
  }

  async fails(): Promise<string> {
    return waitUntil(() => this.error, { what: 'an error', timeoutMs: 5_000, intervalMs: 1 })
  }
}

let server: Server
let accepted: Side[]
let proxy: TcpProxy
let sides: Side[]

beforeEach(async () => {
  accepted = []
  sides = []
  server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(new Side(socket)))
  const port = await freePort()
  await listenOn(server, port)
  proxy = await TcpProxy.start({ host: loopback, port, url: `test://user:secret@${loopback}:${port}` })
})

afterEach(async () => {
  await proxy.close()
  for (const side of [...sides, ...accepted]) side.socket.destroy()
  server.close()
})

async function dial(): Promise<Side> {
  const side = new Side(connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true }))
  sides.push(side)
  await waitUntil(() => !side.socket.connecting || side.error !== undefined, { what: 'a connection', timeoutMs: 5_000 })
  return side
}

async function pair(): Promise<{ client: Side; remote: Side }> {
  const before = accepted.length
  const client = await dial()
  const remote = await waitUntil(() => accepted[before], { what: 'the server to accept', timeoutMs: 5_000 })
  return { client, remote }
}

describe('a plain link', () => {
  test('carries bytes both ways and counts them', async () => {
    const { client, remote } = await pair()
    client.socket.write('hello')
    expect(await remote.receives(5)).toBe('hello')
    remote.socket.write('you too')
    expect(await client.receives(7)).toBe('you too')
    expect(proxy.statistics()).toEqual({ accepted: 1, open: 1, reset: 0, toServer: 5, toClient: 7, lost: 0 })
  })

  test('carries a mebibyte unharmed when the reader is slow', async () => {
    const { client, remote } = await pair()
    const bytes = Buffer.alloc(1024 * 1024, 'abcdefghij')
    remote.socket.pause()
    client.socket.write(bytes)
    await new Promise((resolve) => setTimeout(resolve, 50))
    remote.socket.resume()
    await remote.receives(bytes.length)
    expect(remote.received.equals(bytes)).toBe(true)
  })

  test('passes the end of each direction by itself', async () => {
    const { client, remote } = await pair()
    client.socket.end('last words')
    await waitUntil(() => remote.ended, { what: 'the end', timeoutMs: 5_000 })
    expect(remote.received.toString()).toBe('last words')
    remote.socket.end('heard')
    expect(await client.receives(5)).toBe('heard')
    await waitUntil(() => proxy.statistics().open === 0, { what: 'the connection to close', timeoutMs: 5_000 })
    expect([client.error, remote.error, proxy.statistics().reset]).toEqual([undefined, undefined, 0])
  })

  test('passes a reset on', async () => {
    const { client, remote } = await pair()
    remote.socket.resetAndDestroy()
    expect(await client.fails()).toBe('ECONNRESET')
  })

  test("has the server's URL with its own port, and another target from then on", async () => {
    expect(proxy.url).toBe(`test://user:secret@${loopback}:${proxy.port}`)
    proxy.forwardTo({ host: loopback, port: await freePort() })
    expect(await (await dial()).fails()).toBe('ECONNRESET')
  })

  test('resets everybody while it has no target', async () => {
    await using aimless = await TcpProxy.start()
    const side = new Side(connect({ host: aimless.host, port: aimless.port }))
    sides.push(side)
    expect(await side.fails()).toBe('ECONNRESET')
  })
})

describe('a cut', () => {
  test('resets both sides of every connection and accepts new ones', async () => {
    const [first, second] = [await pair(), await pair()]
    await proxy.cut()
    for (const side of [first.client, first.remote, second.client, second.remote]) {
      expect(await side.fails()).toBe('ECONNRESET')
    }
    const { client, remote } = await pair()
    client.socket.write('again')
    expect(await remote.receives(5)).toBe('again')
    expect(proxy.statistics()).toMatchObject({ accepted: 3, open: 1, reset: 2 })
  })

  test('refuses new connections until it is healed, on the same port', async () => {
    const port = proxy.port
    await proxy.cut({ refuse: true })
    expect(await (await dial()).fails()).toBe('ECONNREFUSED')
    await proxy.heal()
    expect(proxy.port).toBe(port)
    const { client, remote } = await pair()
    client.socket.write('again')
    expect(await remote.receives(5)).toBe('again')
  })

  test.each([1, 3, 10])('after byte %i to the server lets exactly those pass', async (bytes) => {
    const { client, remote } = await pair()
    const happened = proxy.cutAfter({ direction: 'toServer', bytes })
    client.socket.write('01234')
    if (bytes > 5) client.socket.write('56789abc')
    expect(await happened).toBe(true)
    expect(await remote.fails()).toBe('ECONNRESET')
    expect(await client.fails()).toBe('ECONNRESET')
    expect(remote.received.toString()).toBe('0123456789'.slice(0, bytes))
  })

  test('after byte 0 to the client lets the request pass and nothing of the answer', async () => {
    const { client, remote } = await pair()
    const happened = proxy.cutAfter({ direction: 'toClient', bytes: 0 })
    client.socket.write('request')
    expect(await remote.receives(7)).toBe('request')
    remote.socket.write('answer')
    expect(await happened).toBe(true)
    expect(await client.fails()).toBe('ECONNRESET')
    expect(client.received.length).toBe(0)
  })

  test('after the second chunk to the client lets two pass', async () => {
    const { client, remote } = await pair()
    const happened = proxy.cutAfter({ direction: 'toClient', chunks: 2 })
    for (const [index, answer] of ['one ', 'two ', 'three '].entries()) {
      remote.socket.write(answer)
      if (index < 2) await client.receives(4 * (index + 1))
    }
    expect(await happened).toBe(true)
    expect(await client.fails()).toBe('ECONNRESET')
    expect(client.received.toString()).toBe('one two ')
  })

  test('that has not happened is dropped by heal', async () => {
    const { client, remote } = await pair()
    const happened = proxy.cutAfter({ direction: 'toServer', bytes: 3 })
    await proxy.heal()
    expect(await happened).toBe(false)
    client.socket.write('01234')
    expect(await remote.receives(5)).toBe('01234')
  })
})

describe('a black hole', () => {
  test('swallows bytes and keeps connections open, old and new', async () => {
    const { client, remote } = await pair()
    proxy.blackHole()
    const late = await dial()
    client.socket.write('lost')
    late.socket.write('lost too')
    remote.socket.write('also lost')
    await waitUntil(() => proxy.statistics().lost === 21, { what: 'bytes to be lost', timeoutMs: 5_000 })
    expect([client, late, remote].map((side) => [side.received.length, side.error, side.ended])).toEqual([
      [0, undefined, false],
      [0, undefined, false],
      [0, undefined, false],
    ])
  })

  test('is not left by the news that the other side has died', async () => {
    const { client, remote } = await pair()
    proxy.blackHole()
    client.socket.resetAndDestroy()
    expect(
      await within(
        remote.fails().catch(() => 'nothing'),
        200,
      ),
    ).toBe(undefined)
    expect(remote.ended).toBe(false)
    await proxy.heal()
    expect(await remote.fails()).toBe('ECONNRESET')
  })

  test('once healed resets what lost bytes and keeps what did not', async () => {
    const [first, second] = [await pair(), await pair()]
    proxy.blackHole()
    first.client.socket.write('lost')
    await waitUntil(() => proxy.statistics().lost === 4, { what: 'bytes to be lost', timeoutMs: 5_000 })
    await proxy.heal()
    expect(await first.client.fails()).toBe('ECONNRESET')
    expect(await first.remote.fails()).toBe('ECONNRESET')
    second.client.socket.write('intact')
    expect(await second.remote.receives(6)).toBe('intact')
  })
})

describe('a frozen link', () => {
  test('delivers everything late', async () => {
    const { client, remote } = await pair()
    proxy.freeze()
    client.socket.write('late')
    client.socket.end()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(remote.received.length).toBe(0)
    await proxy.heal()
    expect(await remote.receives(4)).toBe('late')
    await waitUntil(() => remote.ended, { what: 'the end', timeoutMs: 5_000 })
  })
})

describe('a slow link', () => {
  test('delays each direction by the latency and keeps the order', async () => {
    const { client, remote } = await pair()
    proxy.latency(100)
    const sentAt = performance.now()
    for (const piece of ['a', 'b', 'c', 'd']) client.socket.write(piece)
    expect(await remote.receives(4)).toBe('abcd')
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(99)
    remote.socket.write('answer')
    await client.receives(6)
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(198)
    await proxy.heal()
    client.socket.write('e')
    expect(await remote.receives(5)).toBe('abcde')
  })

  test('passes no more than its bandwidth', async () => {
    const { client, remote } = await pair()
    proxy.bandwidth(100_000)
    const sentAt = performance.now()
    client.socket.write(Buffer.alloc(30_000))
    await remote.receives(30_000)
    expect(performance.now() - sentAt).toBeGreaterThanOrEqual(295)
  })
})

test('a process ends by itself after a cut in the tick in which an end was passed on', async () => {
  const script = fileURLToPath(new URL('./scripts/cut-at-an-end.ts', import.meta.url))
  await using child = await startProcess({ command: process.execPath, arguments: [script] })
  await waitUntil(() => child.output.includes('closed'), { what: 'the script to close everything', timeoutMs: 10_000 })
  expect(await within(child.exited, 5_000)).toEqual({ code: 0, signal: null })
}, 20_000)
