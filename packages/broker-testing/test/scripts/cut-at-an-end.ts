// A link that is cut in the very tick in which one side's end was passed on. Closes everything, and should end by itself.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, listenOn, loopback } from '../../src/faults/ports.ts'
import { TcpProxy } from '../../src/faults/tcp-proxy.ts'

const server = createServer({ allowHalfOpen: true })
const port = await freePort()
await listenOn(server, port)
const proxy = await TcpProxy.start({ host: loopback, port })
const accepting = once(server, 'connection')
const client = connect({ host: proxy.host, port: proxy.port })
client.on('error', () => undefined)
const [accepted] = (await accepting) as [typeof client]
accepted.on('error', () => undefined)

// The end has arrived at the proxy and is held there, until the link heals.
proxy.latency(50)
accepted.end()
await delay(25)
proxy.freeze()
await delay(100)
void proxy.heal()
await proxy.cut()

await proxy.close()
accepted.destroy()
client.destroy()
server.close()
process.stdout.write('closed\n')
