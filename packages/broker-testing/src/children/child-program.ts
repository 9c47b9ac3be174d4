/**
 * The child process of the kit: opens a broker by its adapter's module and plays a worker or a submitter until it is killed or told
 * to stop. Speaks in lines on standard output; a printed line is out before a SIGKILL.
 */
import { guardBroker } from '@ds/core'
import type { Broker, BrokerAdapter } from '@ds/core'
import type { ChildBroker, ProgramOptions } from './program-options.ts'
import { playCloser } from './play-closer.ts'
import { playCycle } from './play-cycle.ts'
import { playReader } from './play-reader.ts'
import { playSubmitter } from './play-submitter.ts'
import { playWorker } from './play-worker.ts'

async function makeBroker({ module, export: name, options }: ChildBroker): Promise<Broker> {
  const { [name]: adapter } = (await import(module)) as Record<string, BrokerAdapter | undefined>
  if (!adapter) throw new Error(`The module ${module} has no export ${name}`)
  return guardBroker(adapter.create(options))
}

async function play({ broker: reference, queue, role }: ProgramOptions): Promise<void> {
  const broker = await makeBroker(reference)
  if (role.type === 'closer') return playCloser(broker, queue, role)
  if (role.type === 'reader') return playReader(broker, role)
  await broker.connect({ timeout: 30_000 })
  switch (role.type) {
    case 'cycle':
      return playCycle(broker, queue)
    case 'worker':
      return playWorker(broker, queue, role)
    case 'submitter':
      return playSubmitter(broker, queue, role)
  }
}

// The message channel must not keep a process that has closed everything.
process.channel?.unref()
await play(JSON.parse(process.argv[2] ?? '{}') as ProgramOptions)
