import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { freePort, listenOn } from '../src/faults/ports.ts'
import { breakGround, startOnFreePorts } from '../src/servers/ground.ts'
import { PortTakenError } from '../src/servers/errors.ts'
import { ManagedServer } from '../src/servers/managed-server.ts'
import { findRedis } from '../src/servers/redis/install.ts'
import { planRedis } from '../src/servers/redis/server.ts'
import { requireServer } from './servers/server-cases.ts'

requireServer('redis')

describe('the first start of a server', () => {
  test('moves to another port when somebody took the one that was picked', async () => {
    const taken = await freePort()
    const squatter = createServer((socket) => socket.destroy())
    await listenOn(squatter, taken)
    const made: ManagedServer[] = []
    const server = await startOnFreePorts(async () => {
      const ground = await breakGround('redis', 1)
      const unlucky = { ...ground, port: () => taken }
      const plan = await planRedis(await findRedis(), made.length === 0 ? unlucky : ground, { options: {} })
      made.push(new ManagedServer(plan))
      return made.at(-1) as ManagedServer
    })
    expect(made.map(({ port }) => port === taken)).toEqual([true, false])
    expect(server.running).toBe(true)
    expect(made[0]?.running).toBe(false)
    await expect(made[0]?.start()).rejects.toThrow('is closed')
    await server.close()
    squatter.close()
  })

  test('does not take the server of somebody else on its port for its own', async () => {
    const ground = await breakGround('redis', 1)
    await using first = new ManagedServer(await planRedis(await findRedis(), ground, { options: {} }))
    await first.start()
    const samePort = { ...(await breakGround('redis', 1)), port: () => first.port }
    await using second = new ManagedServer(await planRedis(await findRedis(), samePort, { options: {} }))
    await expect(second.start()).rejects.toThrow(PortTakenError)
    expect(first.running).toBe(true)
  })
})
