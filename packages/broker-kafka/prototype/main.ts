import { startKafka } from '@ds/broker-testing'
import type { Broker, NewTask } from '@ds/core'
import { randomUUID } from 'node:crypto'
import { createKafkaBroker } from '../src/index.ts'
import { SEAL_AFTER } from '../src/keeper/seals.ts'
import { Diary, startWorker } from './workers.ts'
import type { WorkerProcess } from './workers.ts'

/** Eight workers on a real server, and what has to hold before anything is built on it. Run it with `node prototype/main.ts`. */
const WORKERS = 8
const server = await startKafka({ javaOptions: [], ownProcess: true })
console.log(`Kafka ${server.version}, Node ${process.versions.node}`)
const only = process.argv[2]
for (const scene of [readsItsShare, rebalances, movedTask, racingSubmits, retryBehindSeal, stoppedWorker]) {
  if (only !== undefined && scene.name !== only) continue
  console.log(`\n${scene.name}`)
  await scene()
}
await server.close()

async function open(namespace: string): Promise<Broker> {
  const broker = createKafkaBroker({ url: server.url, namespace })
  await broker.connect({ timeout: 20_000 })
  return broker
}

function newTask(id: string, milliseconds: number): NewTask {
  const common = { name: 'hold', group: 'default', queue: 'work', maxRetries: 3, maxCrashes: 3 }
  return { ...common, id, incarnation: randomUUID(), args: String(milliseconds) }
}

async function submitMany(broker: Broker, count: number, milliseconds: number): Promise<void> {
  for (let at = 0; at < count; at += 500)
    await broker.submit(
      Array.from({ length: Math.min(500, count - at) }, (_, index) => newTask(`task-${at + index}`, milliseconds)),
    )
}

async function until(what: string, holds: () => boolean | Promise<boolean>, patience = 60_000): Promise<void> {
  const deadline = Date.now() + patience
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await later(20)
  }
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

function startAll(
  diary: Diary,
  namespace: string,
  [concurrency, lease]: [number, number],
  count = WORKERS,
): Promise<WorkerProcess[]> {
  const args = [server.url, namespace, String(concurrency), String(lease)]
  return Promise.all(Array.from({ length: count }, () => startWorker(diary, args)))
}

/** What eight workers read of the state topic beside what one reads for the same tasks. */
async function readsItsShare(): Promise<void> {
  const count = 8000
  const read: number[] = []
  for (const workers of [1, WORKERS]) {
    const namespace = `share-${workers}`
    const [broker, diary] = [await open(namespace), new Diary()]
    const running = await startAll(diary, namespace, [10, 10_000], workers)
    const started = performance.now()
    await submitMany(broker, count, 0)
    await until('all to be done', async () => (await broker.counts()).DONE === count)
    const rate = Math.round((count / (performance.now() - started)) * 1000)
    await Promise.all(running.map((worker) => worker.leave()))
    read.push(diary.read.reduce((sum, each) => sum + each, 0))
    console.log(
      `  ${workers} workers: ${count} tasks at ${rate}/s, ${read.at(-1)} state records read, ${diary.doubles().length} double starts`,
    )
    await broker.close()
  }
  console.log(`  read by eight beside one: ${((read[1] ?? 0) / (read[0] ?? 1)).toFixed(2)}`)
}

/** A long task and many short ones while workers come and go five times. */
async function rebalances(): Promise<void> {
  const [broker, diary] = [await open('rebalances'), new Diary()]
  let running = await startAll(diary, 'rebalances', [10, 5000])
  await broker.submit([newTask('long', 20_000)])
  await until('the long one to start', () => diary.startsOf('long').length > 0)
  const holder = diary.startsOf('long')[0]?.worker
  const submitting = submitMany(broker, 10_000, 0)
  for (let round = 0; round < 5; round++) {
    const [leaving] = running.filter(({ child }) => child.pid !== holder)
    const [next] = await startAll(diary, 'rebalances', [10, 5000], 1)
    await leaving?.leave()
    running = [...running.filter((worker) => worker !== leaving), ...(next ? [next] : [])]
    await later(1000)
  }
  await submitting
  await until('all to be done', async () => (await broker.counts()).DONE === 10_001)
  const [long] = await broker.get(['long'])
  const last = Math.max(...diary.starts.filter(({ id }) => id !== 'long').map(({ at }) => at))
  const longEnd = (diary.startsOf('long')[0]?.at ?? 0) + 20_000
  console.log(
    `  starts of the long task: ${diary.startsOf('long').length}, attempt ${long?.attempt}, crashes ${long?.crashes}`,
  )
  console.log(
    `  last short task began ${Math.round(longEnd - last)} ms before the long one ended; double starts ${diary.doubles().length}`,
  )
  await Promise.all(running.map((worker) => worker.leave()))
  await broker.close()
}

/** Cancel and settle of tasks whose partition is another worker's by then. */
async function movedTask(): Promise<void> {
  const [broker, diary] = [await open('moved'), new Diary()]
  const [first] = await startAll(diary, 'moved', [20, 5000], 1)
  const ids = Array.from({ length: 20 }, (_, index) => `task-${index}`)
  await broker.submit(ids.map((id) => newTask(id, 6000)))
  await until('all to start', () => diary.starts.length === 20)
  const others = await startAll(diary, 'moved', [20, 5000], WORKERS - 1)
  await later(1000)
  const asked = performance.now()
  const answers = await Promise.all(ids.slice(0, 10).map((id) => broker.cancel(id, { requeue: false })))
  await until('the cancelled ones to end', async () => (await broker.counts()).CANCELLED === 10)
  console.log(
    `  10 cancels answered ${[...new Set(answers)].join()}, all CANCELLED after ${Math.round(performance.now() - asked)} ms`,
  )
  await until('the others to be done', async () => (await broker.counts()).DONE === 10)
  console.log(
    `  10 others DONE; starts ${diary.starts.length}, crashes ${(await broker.get(ids)).reduce((sum, task) => sum + (task?.crashes ?? 0), 0)}`,
  )
  await Promise.all([first, ...others].map(async (worker) => worker?.leave()))
  await broker.close()
}

/** Twenty submits of one id from two managers at once, many times. */
async function racingSubmits(): Promise<void> {
  const managers = [await open('racing'), await open('racing')]
  const diary = new Diary()
  const running = await startAll(diary, 'racing', [10, 5000])
  const rounds = 200
  let wrong = 0
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => managers[index % 2]?.submit([newTask(`id-${round}`, 0)])),
    )
    const created = answers.filter((answer) => answer?.[0]?.ok && answer[0].value === 'created').length
    if (created !== 1) wrong += 1
  }
  await until('all to be done', async () => (await managers[0]?.counts())?.DONE === rounds)
  console.log(
    `  ${rounds} ids, 20 submits each: ${wrong} rounds without exactly one created, ${diary.starts.length} starts`,
  )
  await Promise.all(running.map((worker) => worker.leave()))
  await Promise.all(managers.map((manager) => manager.close()))
}

/** A retry of tasks of which only the seal is left, and the same seen by a process that comes later. */
async function retryBehindSeal(): Promise<void> {
  const [broker, diary] = [await open('sealed'), new Diary()]
  const running = await startAll(diary, 'sealed', [10, 5000])
  const ids = Array.from({ length: 100 }, (_, index) => `task-${index}`)
  await broker.submit(ids.map((id) => newTask(id, 0)))
  await until('all to be done', async () => (await broker.counts()).DONE === 100)
  await later(SEAL_AFTER + 5000)
  const before = await broker.get(ids)
  const fresh = await open('sealed')
  const same = JSON.stringify(await fresh.get(ids)) === JSON.stringify(before)
  const answers = await Promise.all(ids.map((id) => fresh.retry(id, { nonce: randomUUID() })))
  await until('all to be done again', async () =>
    (await broker.get(ids)).every((task) => task?.state === 'DONE' && task.attempt === 2),
  )
  const after = JSON.stringify(await fresh.get(ids)) === JSON.stringify(await broker.get(ids))
  console.log(
    `  live and fresh view agree behind the seal: ${same}; retries answered ${[...new Set(answers)].join()}; agree after: ${after}`,
  )
  await Promise.all(running.map((worker) => worker.leave()))
  await fresh.close()
  await broker.close()
}

/** One worker stopped for 8 s under load, three times. */
async function stoppedWorker(): Promise<void> {
  const [broker, diary] = [await open('stopped'), new Diary()]
  const running = await startAll(diary, 'stopped', [10, 3000])
  const count = 12_000
  const submitting = submitMany(broker, count, 25)
  for (let round = 0; round < 3; round++) {
    await later(1500)
    const { child } = running[round] ?? {}
    child?.kill('SIGSTOP')
    await later(8000)
    child?.kill('SIGCONT')
  }
  await submitting
  await until('all to be done', async () => (await broker.counts()).DONE === count, 120_000)
  const fresh = await open('stopped')
  const ids = Array.from({ length: count }, (_, index) => `task-${index}`)
  const [live, anew] = [await broker.get(ids), await fresh.get(ids)]
  const results = await Promise.all(ids.slice(0, 2000).map((id) => broker.result(id)))
  const wrongResult = results.filter((result, index) => result !== String(live[index]?.attempt)).length
  const lost = live.filter((task) => (task?.crashes ?? 0) > 0).length
  const late = diary.settled.filter(({ id, attempt }) => attempt < (live[Number(id.slice(5))]?.attempt ?? 0)).length
  console.log(`  ${count} tasks DONE, ${lost} lost a worker; attempts started twice: ${diary.doubles().length}`)
  console.log(
    `  late outcomes written or refused: ${late}; results of another attempt than the last: ${wrongResult} of 2000`,
  )
  console.log(`  live and fresh view agree on every task: ${JSON.stringify(live) === JSON.stringify(anew)}`)
  await Promise.all(running.map((worker) => worker.leave()))
  await fresh.close()
  await broker.close()
}
