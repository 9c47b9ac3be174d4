import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Broker } from '@ds/core'
import type { CaseContext } from '../../src/case-context.ts'
import { check, equal } from '../../src/check.ts'
import { startProcess } from '../../src/faults/watched-process.ts'
import type { WatchedProcess } from '../../src/faults/watched-process.ts'
import { newTasks, submitAll } from '../../src/submitting.ts'
import { say } from './soak-case.ts'
import type { Figures } from './soak-case.ts'

const KILLS = 12
const COUNT = 4000

/** `ds worker start -n 4`: members are killed in the middle of tasks, then the parent gets SIGTERM in the middle of others. */
export async function killPool(context: CaseContext): Promise<Figures> {
  const broker = await context.open()
  const pool = await Pool.start(context)
  const fields = { name: 'soak.work', group: 'default', queue: 'default', args: '{"ms":150}', maxCrashes: 100 }
  const tasks = newTasks(context, COUNT, fields)
  await submitAll(broker, tasks)
  let inFlight = 0
  for (let kill = 1; kill <= KILLS; kill++) {
    await context.watchFor(1500)
    inFlight += await pool.killOne(context, broker)
    say(`killed ${kill} members; ${(await broker.counts()).QUEUED} tasks are left`)
  }
  await context.until('a dead member to be replaced and to work', () => pool.living(context).length === 4, 60_000)
  await context.until('most tasks to end', async () => (await broker.counts()).QUEUED < 300, 300_000)
  const drained = await pool.stop(context)
  equal((await broker.counts()).RUNNING, 0, 'tasks RUNNING when a pool has ended that was told to drain')
  const second = await Pool.start(context)
  await context.until('all tasks to end', async () => (await broker.counts()).DONE === COUNT, 120_000)
  await second.stop(context)
  const starts = [...pool.notes('start'), ...second.notes('start')].map(({ id }) => id)
  const duplicates = starts.length - new Set(starts).size
  equal(new Set(starts).size, COUNT, 'different tasks started')
  check(duplicates <= inFlight, `${duplicates} starts too many, with ${inFlight} in flight at the kills`)
  return { tasks: COUNT, lost: 0, kills: KILLS, duplicates, inFlightAtKills: inFlight, drainedAtSigterm: drained }
}

interface Note {
  readonly id: string
  readonly pid: number
}

class Pool {
  readonly #process: WatchedProcess
  readonly #folder: string
  readonly #dead = new Set<number>()

  private constructor(started: WatchedProcess, folder: string) {
    this.#process = started
    this.#folder = folder
  }

  static async start(context: CaseContext): Promise<Pool> {
    const folder = mkdtempSync(path.join(tmpdir(), 'ds-soak-'))
    const config = path.join(folder, 'ds.config.json')
    writeFileSync(config, JSON.stringify(configOf(context)))
    const started = await startProcess({
      command: process.execPath,
      arguments: [
        cli(),
        'worker',
        'start',
        path.join(import.meta.dirname, 'pool-tasks.ts'),
        '-n',
        '4',
        '--concurrency',
        '5',
        '--config',
        config,
      ],
      environment: { SOAK_NOTES: path.join(folder, 'notes'), NODE_NO_WARNINGS: '1' },
    })
    context.atEnd(async () => {
      await started.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const pool = new Pool(started, folder)
    return pool
  }

  notes(what: 'start' | 'end'): Note[] {
    const file = path.join(this.#folder, 'notes')
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []
    return lines.flatMap((line) => {
      const [first, id = '', pid] = line.split(' ')
      return first === what ? [{ id, pid: Number(pid) }] : []
    })
  }

  /** The members that run something. */
  living(context: CaseContext): number[] {
    check(this.#process.running, `the pool has ended: ${this.#process.output.slice(-2000)}`)
    context.signal.throwIfAborted()
    return [...new Set(this.#running().map(({ pid }) => pid))]
  }

  /** Kills a member in the middle of tasks; gives how many it had started whose outcome is not stored. */
  async killOne(context: CaseContext, broker: Broker): Promise<number> {
    const pid = await context.until('a member to run something', () => this.living(context)[0], 60_000)
    process.kill(pid, 'SIGKILL')
    this.#dead.add(pid)
    const started = this.notes('start').filter((note) => note.pid === pid)
    const tasks = await broker.get(started.map(({ id }) => id))
    return tasks.filter((task) => task?.state === 'RUNNING').length
  }

  /** SIGTERM to the parent: what runs must end first. Gives how many ran. */
  async stop(context: CaseContext): Promise<number> {
    const running = this.#running()
    this.#process.signal('SIGTERM')
    const exit = await context.soon('the pool to drain and end', this.#process.exited, 60_000)
    equal(exit, { code: 0, signal: null }, `how the pool ended; it wrote ${this.#process.output.slice(-2000)}`)
    equal(this.#running().length, 0, 'tasks that a draining pool started and did not end')
    return running.length
  }

  #running(): Note[] {
    const ended = new Set(this.notes('end').map(({ id, pid }) => `${id} ${pid}`))
    return this.notes('start').filter(({ id, pid }) => !this.#dead.has(pid) && !ended.has(`${id} ${pid}`))
  }
}

/** The command line of this checkout. */
function cli(): string {
  const file = path.resolve(import.meta.dirname, '../../../cli/dist/bin.js')
  check(existsSync(file), `${file} is not there: build it with npm run build`)
  return file
}

function configOf(context: CaseContext): object {
  const { child } = context.target
  if (!child) return context.skip('the target names no module for child processes (child)')
  const adapter = child.module.startsWith('file:') ? fileURLToPath(child.module) : child.module
  return { broker: { ...child.options, adapter }, namespace: context.namespace, worker: { lease: '2s', drain: '20s' } }
}
