import type { AppDescription, AppDirectory } from '@ds/core'
import type { Registry } from './registry.ts'

const PREFIX = 'app:'

/** Descriptions of Apps, in the registry by their names. */
export class Apps implements AppDirectory {
  readonly #registry: Registry

  constructor(registry: Registry) {
    this.#registry = registry
  }

  announce(app: AppDescription): Promise<void> {
    return this.#registry.write([[PREFIX + app.name, Buffer.from(JSON.stringify(app))]])
  }

  async apps(): Promise<AppDescription[]> {
    const found: AppDescription[] = []
    for (const [key, { value }] of await this.#registry.read())
      if (key.startsWith(PREFIX)) found.push(JSON.parse(value.toString()) as AppDescription)
    return found
  }
}
