import { BrokerMisconfiguredError } from '@ds/core'
import { AckPolicy } from '@nats-io/jetstream'
import type { ConsumerConfig, ConsumerInfo } from '@nats-io/jetstream'
import { nanos } from '@nats-io/transport-node'
import { API, apiCode } from './errors.ts'
import type { Link } from './link.ts'

/** A durable consumer as it is to be. */
export type DurablePlan = Partial<ConsumerConfig> &
  Pick<ConsumerConfig, 'durable_name' | 'filter_subject' | 'ack_policy' | Changeable>

type Changeable = (typeof CHANGEABLE)[number]

/** The consumer of a walk through a stream. */
export interface Walker {
  readonly durable: string
  readonly filter: string
}

/** Milliseconds that a process may take to look at a message. */
const WALKER_WAIT = 30_000

/** What of a consumer the server changes while it is in use. */
const CHANGEABLE = ['ack_wait', 'max_deliver', 'max_ack_pending'] as const

/**
 * Creates a durable consumer, or gives one that was changed its settings back.
 * @throws BrokerMisconfiguredError if one of that name reads something else
 */
export async function ensureDurable(link: Link, stream: string, plan: DurablePlan): Promise<void> {
  const name = plan.durable_name ?? ''
  const present = await findConsumer(link, stream, name)
  if (!present) {
    await link.call(`creating the consumer ${name}`, () => link.manager.consumers.add(stream, plan))
    return
  }
  const { config } = present
  checkShape(stream, config, plan)
  const changes = CHANGEABLE.filter((key) => config[key] !== plan[key])
  if (changes.length === 0) return
  const settings = Object.fromEntries(changes.map((key) => [key, plan[key]]))
  await link.call(`correcting the consumer ${name}`, () => link.manager.consumers.update(stream, name, settings))
}

function checkShape(stream: string, config: ConsumerConfig, plan: DurablePlan): void {
  const wrong = (['filter_subject', 'ack_policy'] as const).filter((key) => config[key] !== plan[key])
  if (wrong.length === 0) return
  const details = wrong.map((key) => `${key} is ${config[key]}, not ${plan[key]}`)
  throw new BrokerMisconfiguredError(
    `The consumer ${plan.durable_name} of the stream ${stream} exists with another shape: ${details.join('; ')}`,
    { fix: 'Remove the consumer: it is created again, and goes through all entries of its queue anew' },
  )
}

/** Creates a durable consumer that goes through all messages of a filter, each once for all processes that share it. */
export function ensureWalker(link: Link, stream: string, { durable, filter }: Walker): Promise<void> {
  return ensureDurable(link, stream, {
    durable_name: durable,
    filter_subject: filter,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(WALKER_WAIT),
    max_deliver: -1,
    max_ack_pending: -1,
  })
}

/** Removes a durable consumer, if there is one of that name. */
export async function removeDurable(link: Link, stream: string, durable: string): Promise<void> {
  try {
    await link.call(`removing the consumer ${durable}`, () => link.manager.consumers.delete(stream, durable))
  } catch (error) {
    if (apiCode(error) !== API.consumerNotFound) throw error
  }
}

/** What the server says of a consumer; undefined where there is none of that name. */
export async function findConsumer(link: Link, stream: string, durable: string): Promise<ConsumerInfo | undefined> {
  try {
    return await link.call(`reading the consumer ${durable}`, () => link.manager.consumers.info(stream, durable))
  } catch (error) {
    if (apiCode(error) === API.consumerNotFound) return undefined
    throw error
  }
}
