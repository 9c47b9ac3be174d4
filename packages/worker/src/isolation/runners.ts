import { fileURLToPath } from 'node:url'
import { ConfigInvalidError } from '@ds/core'
import type { AnyTaskDefinition, Broker, Isolation, Logger, Outcome } from '@ds/core'
import type { ExecutionRuntime } from '../context.ts'
import { outcomeOfError } from '../outcome.ts'
import { InlineRunner } from './inline.ts'
import { MemberRunner } from './member-runner.ts'
import { spawnProcess } from './process.ts'
import type { RunnableDelivery, Runner } from './runner.ts'
import { spawnThread } from './thread.ts'

export type Runners = Readonly<Record<Isolation, Runner>>

export interface RunnersOptions {
  readonly runtime: ExecutionRuntime
  readonly broker: Broker
  readonly appModule: string | undefined
  readonly logger: Logger
}

/** The ways to run handlers in a worker. Threads and processes load the App by its module. */
export function createRunners({ runtime, broker, appModule, logger }: RunnersOptions): Runners {
  const inline = new InlineRunner(runtime)
  if (appModule === undefined) return { inline, thread: new RefusingRunner(), process: new RefusingRunner() }
  const { name, address, capabilities } = broker
  const init = {
    appModule: appModule.startsWith('file:') ? fileURLToPath(appModule) : appModule,
    maxPayload: runtime.maxPayload,
    broker: { name, address, capabilities },
  }
  const shared = { init, broker, logger }
  return {
    inline,
    thread: new MemberRunner({ ...shared, isolation: 'thread', spawn: spawnThread }),
    process: new MemberRunner({ ...shared, isolation: 'process', spawn: spawnProcess }),
  }
}

/** @throws ConfigInvalidError where one of these tasks runs in a thread or process, and nobody said where that can load the App. */
export function checkIsolation(definitions: readonly AnyTaskDefinition[], appModule: string | undefined): void {
  const isolated = definitions.find(({ options }) => options.isolation !== 'inline')
  if (isolated && appModule === undefined) throw moduleUnknown(isolated)
}

function moduleUnknown({ name, options }: AnyTaskDefinition): ConfigInvalidError {
  return new ConfigInvalidError(
    `${name} runs in a ${options.isolation}, and the worker does not know where that can load its App`,
    {
      fix: 'Give the module that exports the App as `appModule`, as in appModule: import.meta.url',
    },
  )
}

/** Stands for threads and processes where the module of the App is not known: no task of this worker's groups needs them. */
class RefusingRunner implements Runner {
  async start(): Promise<void> {}

  async run({ definition, task, aborted }: RunnableDelivery): Promise<Outcome> {
    return outcomeOfError({ definition, task, aborted }, moduleUnknown(definition))
  }

  async stop(): Promise<void> {}
}
