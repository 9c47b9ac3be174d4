import type { AppDescription, Broker, TaskConsumer } from '@ds/core'
import type { CaseContext } from '../case-context.ts'
import { between, check, equal, rejects, throwsAtOnce } from '../check.ts'
import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import { DONE, openConsumer, receiveNothing, receiveOne, runningTask, settleWell } from '../consuming.ts'
import { getTask, newTask, submitAnswer, submitOne } from '../submitting.ts'
import { endsByItself, startsBeforeItsServer } from './lifecycle-of-processes.ts'

async function eachAddress(context: CaseContext): Promise<void> {
  const addresses = Object.entries(context.target.addresses ?? {})
  if (addresses.length === 0)
    return context.skip('the target names one way only to say where the server is (addresses)')
  for (const [way, create] of addresses) {
    const broker = context.adopt(create({ namespace: context.namespace }))
    await broker.connect({ timeout: context.tolerances.patience })
    const [answer] = await broker.submit([newTask(context)])
    check(answer?.ok, `a broker made ${way} did not take a task`)
  }
}

async function invalidOptions(context: CaseContext): Promise<void> {
  const { target } = context
  const wrong = {
    'a namespace of capital letters': { namespace: 'Not-Valid' },
    'a namespace of 49 letters': { namespace: 'n'.repeat(49) },
    'an empty namespace': { namespace: '' },
    'a negative payload limit': { maxPayload: -1 },
    'a payload limit that is no number': { maxPayload: Number.NaN },
    'a negative retention': { retention: { age: -1 } },
    'an option that is misspelt': { retetion: { age: 1 } },
  }
  for (const [what, options] of Object.entries(wrong)) {
    throwsAtOnce(() => target.create({ namespace: context.namespace, ...options }), 'ConfigInvalid', what)
  }
  for (const [what, create] of Object.entries(target.invalid ?? {})) throwsAtOnce(create, 'ConfigInvalid', what)
}

async function capabilitiesHold(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const { capabilities } = broker
  const flags = ['shared', 'persistent', 'retentionByCount', 'queueLimit'] as const
  for (const flag of flags) equal(typeof capabilities[flag], 'boolean', `the type of capabilities.${flag}`)
  const numbers = ['claimAhead', 'sweepInterval', 'takeover', 'delayTick', 'readLag', 'maxPayload'] as const
  for (const name of numbers) between(capabilities[name], [0, Number.MAX_SAFE_INTEGER], `capabilities.${name}`)
  for (const name of ['inFlight', 'maxItems', 'maxBytes'] as const)
    between(capabilities.batch[name], [1, Infinity], `capabilities.batch.${name}`)
  check(['indexed', 'view'].includes(capabilities.list), `capabilities.list is ${capabilities.list}`)
  const expected = context.target.capabilities ?? {}
  for (const [name, value] of Object.entries(expected)) {
    equal(capabilities[name as keyof typeof capabilities], value, `capabilities.${name}`)
  }
  equal(broker.name, context.target.name, 'the name of the broker')
  check(broker.address.length > 0, 'the broker has no address')
  check(!/:[^/@]+@/.test(broker.address), `the address shows a password: ${broker.address}`)
}

function unreachable(context: CaseContext): Broker {
  const broker = context.target.unreachable?.()
  return broker ? context.adopt(broker) : context.skip('the target names no server that is not there (unreachable)')
}

async function unreachableServer(context: CaseContext): Promise<void> {
  const broker = unreachable(context)
  const started = performance.now()
  await rejects(
    context.soon('connect to reject', broker.connect({ timeout: 1000 }), 5000 * context.settings.load),
    'BrokerUnavailable',
    'connect to a server that is not there',
  )
  between(
    performance.now() - started,
    [0, 2000 * context.settings.load],
    'ms that connect({ timeout: 1000 }) took to reject',
  )
}

async function refusedForGood(context: CaseContext): Promise<void> {
  for (const [what, create] of Object.entries(context.target.refused ?? {})) {
    const broker = context.adopt(create())
    const connecting = context.soon(`connect to reject: ${what}`, broker.connect({ timeout: 60_000 }))
    await rejects(connecting, ['BrokerRefused', 'BrokerMisconfigured'], `connect: ${what}`)
  }
}

async function abortedConnect(context: CaseContext): Promise<void> {
  const broker = unreachable(context)
  const controller = new AbortController()
  const connecting = broker.connect({ timeout: 60_000, signal: controller.signal }).then(
    () => 'resolved',
    () => 'rejected',
  )
  controller.abort()
  equal(await context.soon('an aborted connect to end', connecting), 'rejected', 'an aborted connect')
}

async function connectOften(context: CaseContext): Promise<void> {
  const broker = context.make()
  const options = { timeout: context.tolerances.patience }
  await Promise.all([broker.connect(options), broker.connect(options), broker.connect(options)])
  await broker.connect(options)
  await submitOne(context, broker)
  equal((await broker.counts()).QUEUED, 1, 'tasks after connecting four times')
}

async function closeOften(context: CaseContext): Promise<void> {
  const broker = await context.open()
  await Promise.all([broker.close(), broker.close()])
  await broker.close()
  await context.make().close()
  const connecting = context.make()
  const connected = connecting.connect({ timeout: context.tolerances.patience }).catch(() => undefined)
  await context.soon('close to resolve while it connects', connecting.close())
  await context.soon('connect to end after close', connected)
}

/** Every call that a connected broker takes. */
function callsOf(broker: Broker, consumer: TaskConsumer): Record<string, () => Promise<unknown>> {
  const signal = new AbortController().signal
  const app: AppDescription = { schema: 1, name: 'kit', tasks: [] }
  const options = { queues: ['q'], workerId: 'w', lease: 1000, onCancel: () => undefined }
  return {
    submit: () => broker.submit([]),
    openConsumer: () => broker.openConsumer(options),
    cancel: () => broker.cancel('id', { requeue: false }),
    retry: () => broker.retry('id', { nonce: 'n' }),
    get: () => broker.get(['id']),
    list: () => broker.list({ limit: 1 }),
    counts: () => broker.counts(),
    args: () => broker.args('id'),
    result: () => broker.result('id'),
    errors: () => broker.errors('id'),
    remove: () => broker.remove('id'),
    'parked.list': () => broker.parked.list({ limit: 1 }),
    'parked.read': () => broker.parked.read('id'),
    'parked.remove': () => broker.parked.remove('id'),
    'parked.replay': () => broker.parked.replay('id'),
    subscribe: () => broker.subscribe({}, { signal }),
    announce: () => broker.announce(app),
    apps: () => broker.apps(),
    connect: () => broker.connect({ timeout: 1000 }),
    'consumer.receive': () => consumer.receive(1, signal),
    'consumer.renew': () => consumer.renew([]),
    'consumer.settle': () => consumer.settle([]),
  }
}

async function useAfterClose(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await broker.close()
  for (const [call, run] of Object.entries(callsOf(broker, consumer))) {
    await rejects(context.soon(`${call} after close to reject`, run()), 'BrokerClosed', `${call} after close`)
  }
  equal((await broker.health()).ok, false, 'health after close')
}

async function namespacesApart(context: CaseContext): Promise<void> {
  const here = await context.open()
  const there = await context.open({ namespace: `${context.namespace.slice(0, 40)}-other` })
  const task = newTask(context)
  await here.announce({ schema: 1, name: 'kit', tasks: [] })
  equal(await submitAnswer(here, task), 'created', 'a task in one namespace')
  equal((await there.get([task.id]))[0], undefined, 'the task read in the other namespace')
  equal((await there.counts()).QUEUED, 0, 'tasks counted in the other namespace')
  equal((await there.list({ limit: 10 })).tasks.length, 0, 'tasks listed in the other namespace')
  equal(await there.cancel(task.id, { requeue: false }), 'unknown', 'a cancel in the other namespace')
  equal(await there.apps(), [], 'the Apps in the other namespace')
  const consumer = await openConsumer(context, there)
  await receiveNothing(context, consumer, 300)
  equal(await submitAnswer(there, { ...task, args: '"other"' }), 'created', 'the same id in the other namespace')
  equal((await receiveOne(context, consumer)).args, '"other"', 'the args received in the other namespace')
  equal((await getTask(here, task.id)).state, 'QUEUED', 'the task in its own namespace')
}

async function idleIsHealthy(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const consumer = await openConsumer(context, broker)
  await receiveNothing(context, consumer, 500)
  const started = performance.now()
  const health = await broker.health()
  between(performance.now() - started, [0, 5500], 'ms that health took')
  check(health.checks.length > 0, 'health has no checks')
  check(
    health.ok,
    `an idle broker is unhealthy: ${health.checks.map(({ name, message }) => `${name} ${message}`).join()}`,
  )
  const before = context.make()
  equal((await before.health()).ok, false, 'health before connect')
}

async function durabilityIsSaid(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const { durability } = await broker.health()
  check(durability.summary.length > 0, 'health does not say what makes it durable')
  const { persistent } = context.capabilities
  equal(
    durability.level === 'process',
    !persistent,
    `durability "${durability.level}" of a broker with persistent ${persistent}`,
  )
  if (durability.level === 'weak') check(durability.advice, 'weak durability comes without advice')
  const strict = context.make({ requireDurable: true })
  const connecting = strict.connect({ timeout: context.tolerances.patience })
  if (durability.level === 'weak') await rejects(connecting, 'BrokerMisconfigured', 'connect with requireDurable')
  else if (durability.level === 'strong') await connecting
  else await connecting.catch(() => undefined)
}

async function appsAreReplaced(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const other = await context.another(broker)
  const described = (description: string): AppDescription => ({
    schema: 1,
    name: 'kit',
    tasks: [{ name: 'kit.task', group: 'kit', maxRetries: 3, maxCrashes: 3, description }],
  })
  equal(await broker.apps(), [], 'the Apps before any was announced')
  await broker.announce(described('the first'))
  await broker.announce({ schema: 1, name: 'é{}|:. *', tasks: [] })
  await broker.announce(described('the second'))
  const byName = (apps: AppDescription[]): AppDescription[] => apps.sort((a, b) => (a.name < b.name ? -1 : 1))
  const expected = [described('the second'), { schema: 1, name: 'é{}|:. *', tasks: [] }]
  equal(byName(await broker.apps()), expected, 'the announced Apps')
  await context.until(
    'another process to see the Apps',
    async () => JSON.stringify(byName(await other.apps())) === JSON.stringify(expected),
    context.tolerances.readLag,
  )
}

async function readAll(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items) continue
}

async function closeEndsConsumers(context: CaseContext): Promise<void> {
  const broker = await context.open()
  const waiting = await openConsumer(context, broker)
  const ended = waiting.receive(1, context.signal).then(
    () => true,
    () => true,
  )
  const subscription = await broker.subscribe({}, { signal: context.signal })
  const read = readAll(subscription)
  const held = await runningTask(context, broker, { consumer: { queues: ['other'] }, fields: { queue: 'other' } })
  await settleWell(held, held.delivery, DONE)
  await context.soon('close to resolve', broker.close())
  await context.soon('a waiting receive to end with its broker', ended)
  await context.soon('a subscription to end with its broker', read)
}

export const lifecycle: readonly ConformanceCase[] = casesOf('lifecycle', [
  { name: 'every way to name the server works', rule: 'options', run: eachAddress },
  { name: 'options that cannot work are refused at once', rule: 'options', run: invalidOptions },
  { name: 'capabilities are complete and as declared', rule: 'capabilities', run: capabilitiesHold },
  {
    name: 'a server that is not there is said in time',
    rule: 'connect',
    needs: ['unreachable'],
    run: unreachableServer,
  },
  { name: 'a server that refuses is said at once', rule: 'connect', needs: ['refused'], run: refusedForGood },
  { name: 'connect can be aborted', rule: 'connect', needs: ['unreachable'], run: abortedConnect },
  { name: 'connect may be called often and at once', rule: 'connect-once', run: connectOften },
  { name: 'close may be called often and at once', rule: 'close-once', run: closeOften },
  { name: 'close ends consumers and subscriptions', rule: 'close-once', run: closeEndsConsumers },
  { name: 'every call after close is refused', rule: 'use-after-close', run: useAfterClose },
  { name: 'the process ends by itself after close', rule: 'no-handles', needs: ['child'], run: endsByItself },
  { name: 'namespaces do not see each other', rule: 'namespaces', run: namespacesApart },
  { name: 'an idle broker is healthy', rule: 'health', run: idleIsHealthy },
  { name: 'durability is said, and can be required', rule: 'durability', run: durabilityIsSaid },
  { name: 'an App that is announced again is replaced', rule: 'apps', run: appsAreReplaced },
  {
    name: 'it may start before its server',
    rule: 'connect',
    needs: ['server'],
    timeout: 90_000,
    run: startsBeforeItsServer,
  },
])
