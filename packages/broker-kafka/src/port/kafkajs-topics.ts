import { BrokerMisconfiguredError } from '@ds/core'
import { toBrokerError } from '../errors.ts'
import { KafkaAnswerError, nameOfCode, typeOf } from './error-codes.ts'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { NativeTopic } from './kafkajs-native.ts'
import type { TopicDescription, TopicSettings } from './log-port.ts'
import { byTopic } from './offsets.ts'
import type { TopicMetadata } from './requests.ts'
import { unavailable } from './persist.ts'

const TIMEOUT = 8000
const CREATE_TIMEOUT = 5000
const UNKNOWN_TOPIC = 3
/** So that what is written here can be read here: Node cannot undo every compression that a server may be set to. */
const SETTINGS: Readonly<Record<string, string>> = { 'compression.type': 'producer' }

/** Creates what is missing and resolves once every partition has a leader; rejects with what passes as long as one has none. */
export async function createTopics(
  link: KafkajsLink,
  topics: readonly TopicSettings[],
  replicationFactor: number | undefined,
): Promise<void> {
  const names = topics.map(({ topic }) => topic)
  const found = new Map((await link.metadata(names)).topics.map((topic) => [topic.topic, topic]))
  const missing = topics.filter(({ topic }) => found.get(topic)?.errorCode === UNKNOWN_TOPIC)
  if (missing.length > 0) {
    await create(link, missing, replicationFactor)
    throw unavailable(`Kafka at ${link.address} has just created ${missing.map(({ topic }) => topic).join(', ')}`)
  }
  for (const settings of topics) checkTopic(link, settings, found.get(settings.topic))
  await link.watch(names)
}

function checkTopic(link: KafkajsLink, { topic, partitions }: TopicSettings, found: TopicMetadata | undefined): void {
  if (!found || found.errorCode !== 0) throw new KafkaAnswerError(nameOfCode(found?.errorCode ?? UNKNOWN_TOPIC), topic)
  if (found.partitions.length !== partitions) {
    throw new BrokerMisconfiguredError(
      `Kafka at ${link.address} has ${found.partitions.length} partitions in ${topic}, and ${partitions} are asked for`,
      {
        fix: 'The number can never change: set it to what is there, choose another namespace, or delete the topic and what it holds',
      },
    )
  }
  const leaderless = found.partitions.find(({ leader }) => leader === -1)
  if (leaderless) throw new KafkaAnswerError('LEADER_NOT_AVAILABLE', `partition ${leaderless.partition} of ${topic}`)
}

async function create(
  link: KafkajsLink,
  topics: readonly TopicSettings[],
  replicationFactor: number | undefined,
): Promise<void> {
  const wanted = topics.map((topic) => native(topic, replicationFactor))
  try {
    await link.askController({ what: 'CreateTopics', timeout: TIMEOUT }, (broker) =>
      broker.createTopics({ topics: wanted, timeout: CREATE_TIMEOUT }),
    )
  } catch (error) {
    const parts = error instanceof Error && 'errors' in error && Array.isArray(error.errors) ? error.errors : [error]
    const failed: unknown = parts.find((part: unknown) => typeOf(part) !== 'TOPIC_ALREADY_EXISTS')
    if (failed === undefined) return
    const type = typeOf(failed)
    if (type === 'NOT_CONTROLLER') await link.refresh()
    if (type === 'NOT_CONTROLLER' || type === 'REQUEST_TIMED_OUT') throw unavailable(type, failed)
    throw toBrokerError(failed, link.address)
  }
}

function native(
  { topic, partitions, replicationFactor, settings }: TopicSettings,
  fallback: number | undefined,
): NativeTopic {
  const configEntries = Object.entries({ ...SETTINGS, ...settings }).map(([name, value]) => ({ name, value }))
  return { topic, numPartitions: partitions, replicationFactor: replicationFactor ?? fallback ?? -1, configEntries }
}

/** What topics are like; undefined for those that do not exist. */
export async function describeTopics(
  link: KafkajsLink,
  names: readonly string[],
): Promise<(TopicDescription | undefined)[]> {
  const found = new Map((await link.metadata(names)).topics.map((topic) => [topic.topic, topic]))
  const there = names.filter((name) => found.get(name)?.errorCode === 0)
  const settings =
    there.length > 0 ? await describeSettings(link, there) : new Map<string, ReadonlyMap<string, string>>()
  return names.map((name) => {
    const topic = found.get(name)
    if (!topic || topic.errorCode === UNKNOWN_TOPIC) return undefined
    if (topic.errorCode !== 0) throw new KafkaAnswerError(nameOfCode(topic.errorCode), name)
    const replicationFactor = topic.partitions[0]?.replicas ?? 0
    return {
      topic: name,
      partitions: topic.partitions.length,
      replicationFactor,
      settings: settings.get(name) ?? new Map(),
    }
  })
}

/** Settings that may not be read are missing. */
async function describeSettings(
  link: KafkajsLink,
  names: readonly string[],
): Promise<Map<string, ReadonlyMap<string, string>>> {
  const resources = names.map((name) => ({ type: 2 as const, name, configNames: [] }))
  try {
    const answer = await link.askAny({ what: 'DescribeConfigs', timeout: TIMEOUT }, (broker) =>
      broker.describeConfigs({ resources, includeSynonyms: false }),
    )
    return new Map(
      answer.resources.map(({ resourceName, configEntries }) => [
        resourceName,
        new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
      ]),
    )
  } catch (error) {
    if (typeOf(error)?.endsWith('AUTHORIZATION_FAILED')) return new Map()
    throw error
  }
}

/** Names of all topics that begin with `prefix`. */
export async function listTopics(link: KafkajsLink, prefix: string): Promise<string[]> {
  const { topics } = await link.metadata(undefined)
  return topics
    .filter(({ errorCode, topic }) => errorCode !== UNKNOWN_TOPIC && topic.startsWith(prefix))
    .map(({ topic }) => topic)
    .sort()
}

/** Removes all records below the given offsets. */
export async function deleteRecords(
  link: KafkajsLink,
  topic: string,
  before: ReadonlyMap<number, number>,
): Promise<void> {
  await link.watch([topic])
  const places = [...before].map(([partition, offset]) => ({ topic, partition, offset: String(offset) }))
  const groups = Map.groupBy(places, ({ partition }) => link.leader(topic, partition))
  await Promise.all(
    [...groups].map(async ([node, group]) => {
      if (node === undefined) throw new KafkaAnswerError('LEADER_NOT_AVAILABLE', topic)
      const topics = byTopic(group, ({ partition, offset }) => ({ partition, offset }))
      await link
        .ask(node, { what: 'DeleteRecords', timeout: TIMEOUT }, (broker) => broker.deleteRecords({ topics }))
        .catch(firstPart)
    }),
  )
}

/** The library hides what happened to a partition inside. */
function firstPart(error: unknown): never {
  const parts =
    error instanceof Error && 'partitions' in error && Array.isArray(error.partitions) ? error.partitions : []
  const [first] = parts as { error?: unknown }[]
  throw first?.error ?? error
}
