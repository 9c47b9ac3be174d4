import type { AppDescription, AppDirectory } from '@ds/core'
import type { Link } from './jetstream/link.ts'
import { appSubject } from './names.ts'
import type { Names } from './names.ts'
import type { StreamReader } from './jetstream/stream-reader.ts'

/** The Apps that workers have announced: a message each, the newest of its subject. */
export class NatsApps implements AppDirectory {
  readonly #link: Link
  readonly #names: Names
  readonly #reader: StreamReader

  constructor(link: Link, names: Names, reader: StreamReader) {
    this.#link = link
    this.#names = names
    this.#reader = reader
  }

  async announce(app: AppDescription): Promise<void> {
    const subject = appSubject(this.#names, app.name)
    await this.#link.call('announcing an App', () => this.#link.js.publish(subject, JSON.stringify(app)))
  }

  async apps(): Promise<AppDescription[]> {
    const apps: AppDescription[] = []
    let sequence = 1
    for (;;) {
      const message = await this.#reader.next(`${this.#names.root}.app.*`, sequence, 'reading the Apps')
      if (!message) return apps
      const app = appIn(message.bytes)
      if (app) apps.push(app)
      sequence = message.sequence + 1
    }
  }
}

function appIn(bytes: Uint8Array): AppDescription | undefined {
  try {
    const value = JSON.parse(Buffer.from(bytes).toString()) as AppDescription
    return typeof value.name === 'string' && Array.isArray(value.tasks) ? value : undefined
  } catch {
    return undefined
  }
}
