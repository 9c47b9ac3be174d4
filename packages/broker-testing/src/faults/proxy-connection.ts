import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { ProxyPipe } from './proxy-pipe.ts'
import type { PipeOwner } from './proxy-pipe.ts'

/** Where a proxy sends what it accepts. */
export interface ProxyTarget {
  host: string
  port: number
  /** The server's URL; the proxy's own URL is this one with its own address in it. */
  url?: string
}

/** A client's connection and the one to the server that belongs to it. */
export class ProxyConnection {
  readonly #owner: PipeOwner
  readonly #client: Socket
  readonly #server: Socket
  readonly #pipes: readonly ProxyPipe[]
  readonly #closed: () => void
  #over = false
  /** One side ended or failed while the link was not open: the other side hears of it when the link heals. */
  #broken = false

  constructor(owner: PipeOwner, client: Socket, { target, closed }: { target: ProxyTarget; closed: () => void }) {
    this.#owner = owner
    this.#client = client
    this.#closed = closed
    this.#server = connect({ host: target.host, port: target.port, allowHalfOpen: true, noDelay: true })
    this.#client.setNoDelay(true)
    this.#pipes = [
      new ProxyPipe(owner, 'toServer', { source: client, target: this.#server }),
      new ProxyPipe(owner, 'toClient', { source: this.#server, target: client }),
    ]
    for (const socket of [client, this.#server]) {
      socket.on('error', () => this.#lostSide())
      socket.on('close', () => this.#sideClosed())
    }
  }

  /** To be called when the conditions have changed. */
  update(): void {
    if (this.#owner.conditions.state === 'open' && (this.#broken || this.#pipes.some((pipe) => pipe.garbled))) {
      return this.reset()
    }
    for (const pipe of this.#pipes) pipe.update()
  }

  /** Nothing passes any more in either direction, and nothing is closed yet. */
  seal(): void {
    for (const pipe of this.#pipes) pipe.seal()
  }

  /** Both sides get a TCP reset, as when the machine between them has forgotten the connection. */
  reset(): void {
    if (!this.#over) this.#owner.statistics.reset += 1
    this.#end()
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    for (const pipe of this.#pipes) pipe.close()
    for (const socket of [this.#client, this.#server]) resetSocket(socket)
    this.#closed()
  }

  #lostSide(): void {
    if (this.#owner.conditions.state === 'open') this.#end()
    else this.#broken = true
  }

  #sideClosed(): void {
    if (this.#client.destroyed && this.#server.destroyed) return this.#end()
    // A socket that has ended both ways closes by itself; the other one follows when its own end has come through.
    const socket = this.#client.destroyed ? this.#client : this.#server
    if (socket.errored === null && socket.readableEnded && socket.writableFinished) return
    this.#lostSide()
  }
}

/**
 * A TCP reset. While the end of its own stream is on its way to the kernel a socket refuses one (EINVAL), and node then keeps its handle for
 * ever: it is never closed, and the process, when it wants to exit, waits for it at full speed. That takes a turn of the loop.
 */
function resetSocket(socket: Socket): void {
  const ending = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
  if (ending) socket.once('finish', () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}
