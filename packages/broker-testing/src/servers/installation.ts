import { ServerUnavailableError } from './errors.ts'
import type { ServerKind } from './server.ts'

/** A server's program, ready to be started with the path of its configuration file as the last argument. */
export interface Installation {
  command: string
  arguments: readonly string[]
  version: string
}

/** One way to come by a program. It gives nothing when it does not apply, and throws an error that says why it failed. */
export interface Source {
  /** As it follows "tried": `'the PATH'`. */
  name: string
  find: () => Promise<Installation | undefined>
}

/**
 * The first installation that one of the sources gives.
 *
 * @throws ServerUnavailableError with what each source said, when none does.
 */
export async function findInstallation(kind: ServerKind, sources: readonly Source[]): Promise<Installation> {
  const reasons: string[] = []
  for (const source of sources) {
    try {
      const found = await source.find()
      if (found !== undefined) return found
      reasons.push(`${source.name}: not there`)
    } catch (error) {
      reasons.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new ServerUnavailableError(kind, reasons)
}
