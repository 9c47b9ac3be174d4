import { BrokerMisconfiguredError, BrokerUnavailableError } from '@ds/core'
import { AckPolicy, DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream'
import type { DsError } from '@ds/core'
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { ensureDurable } from './durable.ts'
import { API, apiCode, reasonOf } from './errors.ts'
import type { Link } from './link.ts'
import { DELAYED, durableOf, entriesOf } from '../names.ts'
import type { Names } from '../names.ts'

const DEDUPE_WINDOW = 2 * 60 * 1000
/** Pulls that may wait at the server: one for each idle worker of the queue. */
const MAX_WAITING = 10_000

type StreamPlan = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>

/** The streams of a namespace. Never a max_age, and never discard old: either would drop tasks. */
function streamPlans(names: Names, replicas: number): StreamPlan[] {
  const common = {
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
    duplicate_window: nanos(DEDUPE_WINDOW),
  }
  const { root } = names
  return [
    {
      ...common,
      name: names.tasks,
      subjects: [`${root}.task.*.*`, `${root}.blob.>`, `${root}.app.*`],
      retention: RetentionPolicy.Limits,
      max_msgs_per_subject: 1,
    },
    {
      ...common,
      name: names.delayed,
      subjects: [`${root}.delayed.*.*`],
      retention: RetentionPolicy.Workqueue,
    },
    {
      ...common,
      name: names.parked,
      subjects: [`${root}.parked.*`],
      retention: RetentionPolicy.Limits,
      max_msgs_per_subject: 1,
    },
  ]
}

/** Creates the streams that are missing, and refuses those of another shape. Gives the streams as they are. */
export async function ensureStreams(link: Link, names: Names): Promise<StreamInfo[]> {
  const infos: StreamInfo[] = []
  for (const plan of streamPlans(names, link.settings.replicas)) infos.push(await ensureStream(link, plan))
  return infos
}

async function ensureStream(link: Link, plan: StreamPlan): Promise<StreamInfo> {
  const present = await findStream(link, plan.name)
  if (present) return checkShape(present, plan)
  try {
    return await link.call(`creating the stream ${plan.name}`, () => link.manager.streams.add(plan))
  } catch (error) {
    // Another process may have been quicker.
    const created = await findStream(link, plan.name)
    if (created) return checkShape(created, plan)
    throw apiCode(error) === undefined ? error : cannotCreate(plan, error)
  }
}

async function findStream(link: Link, name: string): Promise<StreamInfo | undefined> {
  try {
    return await link.call(`reading the stream ${name}`, () => link.manager.streams.info(name))
  } catch (error) {
    if (apiCode(error) === API.streamNotFound) return undefined
    throw error
  }
}

const OVERLAP = 'Use another namespace: another stream takes subjects of this one'
const NO_PLACE =
  'Replicas need as many servers in the JetStream cluster; limits of the account must leave room for three streams'

/** Servers of a cluster that has just started do not know each other yet: that may pass. */
function cannotCreate(plan: StreamPlan, error: unknown): DsError {
  const code = apiCode(error)
  const replicas = plan.num_replicas ?? 1
  const what = `NATS could not create the stream ${plan.name} with ${replicas} replicas: ${reasonOf(error)}`
  const fix = code === API.subjectsOverlap ? OVERLAP : NO_PLACE
  const passing = code === API.insufficientPeers || code === API.notReady
  return passing
    ? new BrokerUnavailableError(what, { fix, cause: error })
    : new BrokerMisconfiguredError(what, { fix, cause: error })
}

/** With any of these a stream would not hold what is written to it, or not say so. */
const UNFIT = ['mirror', 'sources', 'subject_transform', 'no_ack', 'sealed'] as const

/** What of a stream decides whether the guarantees hold. Replicas, storage limits and placement are the administrator's. */
function checkShape(info: StreamInfo, plan: StreamPlan): StreamInfo {
  const { config } = info
  // A mirror has none.
  const subjects = (config.subjects as string[] | undefined) ?? []
  const wrong = [
    ...(['retention', 'storage', 'discard', 'max_msgs_per_subject'] as const).flatMap((key) =>
      plan[key] === undefined || config[key] === plan[key] ? [] : [`${key} is ${config[key]}, not ${plan[key]}`],
    ),
    ...(config.max_age > 0 ? ['max_age is set, which would drop tasks'] : []),
    ...(config.allow_direct ? [] : ['allow_direct is off']),
    ...UNFIT.filter((key) => config[key]).map((key) => `${key} is set`),
    ...plan.subjects.filter((subject) => !subjects.includes(subject)).map((subject) => `${subject} is missing`),
  ]
  if (wrong.length === 0) return info
  throw new BrokerMisconfiguredError(`The stream ${plan.name} exists with another shape: ${wrong.join('; ')}`, {
    fix: 'Use another namespace, or remove the stream if nothing of it is needed',
  })
}

/** Creates the durable consumer of a queue, which its workers share. */
export function ensureConsumer(link: Link, names: Names, queue: string): Promise<void> {
  return ensureDurable(link, names.tasks, {
    ...shared,
    durable_name: durableOf(queue),
    filter_subject: entriesOf(names, queue),
    max_waiting: MAX_WAITING,
  })
}

/** Creates the durable consumer of all delayed entries; gives its name. */
export async function ensureDelayConsumer(link: Link, names: Names): Promise<string> {
  await ensureDurable(link, names.delayed, {
    ...shared,
    durable_name: DELAYED,
    filter_subject: `${names.root}.delayed.*.*`,
    ack_wait: nanos(SORTING),
    max_waiting: MAX_WAITING,
  })
  return DELAYED
}

/**
 * How long an entry may be on its way to a claim. It is not the lease: that stands in the record, and entries of running tasks are put
 * off for as long as it lasts. One that was sent into a broken connection comes again after this time.
 */
export const HANDOVER = 5000

/** The same for delayed entries, which are looked at and given back. */
const SORTING = 1000

const shared = {
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(HANDOVER),
  max_deliver: -1,
  // What runs, and what waits for a retry, occupies it.
  max_ack_pending: -1,
}
