import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guard } from '../faults/guard.ts'
import { freePort } from '../faults/ports.ts'
import { PortTakenError } from './errors.ts'
import type { ServerControl, ServerKind } from './server.ts'

/** Where a server's folder is made. */
export interface GroundOptions {
  /** Default: the system's folder for temporary files. */
  parentFolder?: string
}

/** A folder and loopback ports for one server. */
export interface Ground {
  readonly dataDir: string
  /** The n-th of the ports that were asked for. */
  port(index: number): number
  /** Removes the folder with all that is in it. */
  remove(): Promise<void>
  /** The folder then stays when this process ends. */
  letGo(): void
}

/** Makes a folder and picks ports. The ports are free at this moment; nothing keeps others from taking them. */
export async function breakGround(
  kind: ServerKind,
  portCount: number,
  { parentFolder = tmpdir() }: GroundOptions = {},
): Promise<Ground> {
  await mkdir(parentFolder, { recursive: true })
  const dataDir = await mkdtemp(path.join(parentFolder, `ds-${kind}-`))
  const release = await guard({ folder: dataDir })
  const ports = await freePorts(portCount)
  return {
    dataDir,
    port: (index) => {
      const port = ports[index]
      if (port === undefined) throw new RangeError(`Asked for ${portCount} ports, not for one at ${index}.`)
      return port
    },
    remove: async () => {
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
      release()
    },
    letGo: release,
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

/**
 * Makes and starts a server or cluster; when somebody takes one of its ports first, makes another one on other ports.
 *
 * @throws what its start threw; it is closed then.
 */
export async function startOnFreePorts<Control extends ServerControl>(make: () => Promise<Control>): Promise<Control> {
  for (let attempt = 1; ; attempt++) {
    const made = await make()
    try {
      await made.start()
      return made
    } catch (error) {
      await made.close()
      if (!(error instanceof PortTakenError) || attempt === 10) throw error
    }
  }
}
