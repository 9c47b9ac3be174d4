import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createMemoryBroker, type App, type Logger, type TaskManager, type TasksOf } from '@ds/core'
import { Worker } from '@ds/worker'
import { documents } from '../src/app.ts'
import { SearchIndex } from '../src/search-index/search-index.ts'

type Tasks = TasksOf<typeof documents>

/** A broker, a worker of the App and a manager in this process, with a folder of their own. */
export interface Platform extends AsyncDisposable {
  readonly folder: string
  /** A copy of the sample documents. */
  readonly samples: string
  readonly manager: TaskManager<Tasks>
  openIndex(): Promise<SearchIndex>
}

export interface PlatformOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly concurrency?: number
  /** Instead of the App of this package. */
  readonly app?: App
}

const APP_MODULE = new URL('../src/app.ts', import.meta.url)

export async function startPlatform(options: PlatformOptions = {}): Promise<Platform> {
  const folder = await mkdtemp(join(tmpdir(), 'documents-'))
  const samples = join(folder, 'samples')
  await cp(join(import.meta.dirname, '..', 'samples'), samples, { recursive: true })
  setEnvironment({
    DS_DOCUMENTS_INDEX: join(folder, 'index.sqlite'),
    DS_DOCUMENTS_OUTPUT: join(folder, 'out'),
    ...options.environment,
  })
  const broker = createMemoryBroker()
  const app = options.app ?? documents
  const worker = new Worker({
    app,
    appModule: APP_MODULE,
    broker,
    concurrency: options.concurrency ?? 2,
    logger: silent,
  })
  const running = worker.run()
  const manager = await connect<typeof documents>({ app: documents, broker })
  const stop = async (): Promise<void> => {
    await manager.close()
    await worker.stop()
    await running
    await broker.close()
    await rm(folder, { recursive: true })
  }
  const openIndex = (): Promise<SearchIndex> => SearchIndex.open(join(folder, 'index.sqlite'))
  return { folder, samples, manager, openIndex, [Symbol.asyncDispose]: stop }
}

/** The tests provoke failures, and read them where they are kept. */
const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

/** Only these `DS_DOCUMENTS_*` variables hold. */
function setEnvironment(values: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('DS_')) delete process.env[name]
  Object.assign(process.env, values)
}
