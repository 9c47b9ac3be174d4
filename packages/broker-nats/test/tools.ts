import type { GarbagePlace, GarbageTools, NatsOptions } from '@ds/broker-testing'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { entrySubject, namesOf, recordSubjects, taskSubject } from '../src/names.ts'
import type { Names } from '../src/names.ts'
import { decodeStored, isTombstone } from '../src/records/codec.ts'

/** Puts into the server what the adapter did not write. */
export function garbageTools(client: NatsConnection): GarbageTools {
  const publish = (subject: string, bytes: string | Uint8Array): Promise<unknown> =>
    jetstream(client).publish(subject, bytes)
  const rewrite = async (place: GarbagePlace, taskId: string, change: (text: string) => string): Promise<void> => {
    const { subject, text } = await recordOf(client, place, taskId)
    await publish(subject, change(text))
  }
  let pieces = 0
  return {
    undecodable: async ({ namespace, queue }, bytes) => {
      pieces += 1
      await publish(entrySubject(namesOf(namespace), queue, `garbage-${pieces}`), bytes)
    },
    fromTheFuture: (place, taskId) => rewrite(place, taskId, (text) => text.replaceAll('"schema":1', '"schema":2')),
    unknownField: (place, taskId) =>
      rewrite(place, taskId, (text) => text.replaceAll('{"schema":1', '{"mood":"good","schema":1')),
    corruptRecord: async (place, taskId) => {
      const { subject } = await recordOf(client, place, taskId)
      await publish(subject, new Uint8Array([0xff, 0xfe, 0x00, 0x7f]))
    },
  }
}

/** Where the record of a task is: under a subject of its own, or still in its first entry. */
async function recordOf(
  client: NatsConnection,
  { namespace, queue }: GarbagePlace,
  taskId: string,
): Promise<{ subject: string; text: string }> {
  const names = namesOf(namespace)
  const { streams } = await jetstreamManager(client)
  for (const subject of [taskSubject(names, taskId), entrySubject(names, queue, taskId)]) {
    const message = await streams.getMessage(names.tasks, { last_by_subj: subject }).catch(() => null)
    if (message) return { subject, text: message.string() }
  }
  throw new Error(`there is no task ${taskId}`)
}

/** How many messages the server holds of a namespace, tombstones aside: they stay for ten minutes. */
export async function messagesOf(client: NatsConnection, namespace: string): Promise<number> {
  const names = namesOf(namespace)
  const { streams } = await jetstreamManager(client)
  const infos = await Promise.all([names.tasks, names.delayed, names.parked].map((stream) => streams.info(stream)))
  const held = infos.reduce((total, { state }) => total + state.messages, 0)
  return held - (await tombstonesOf(client, names))
}

async function tombstonesOf(client: NatsConnection, names: Names): Promise<number> {
  const { consumers } = jetstream(client)
  const records = await consumers.get(names.tasks, { filter_subjects: recordSubjects(names) })
  const { num_pending } = await records.info()
  if (num_pending === 0) return 0
  let tombstones = 0
  for await (const message of await records.fetch({ max_messages: num_pending, expires: 2000 })) {
    if (message.data.length > 0 && isTombstone(decodeStored(message.data))) tombstones += 1
  }
  return tombstones
}

/** DS_TEST_NATS_VERSION: `debian`, `latest` or as in `2.10.27`. */
export function serverVersion(): Pick<NatsOptions, 'version'> {
  const version = process.env['DS_TEST_NATS_VERSION'] as NatsOptions['version']
  return version ? { version } : {}
}
