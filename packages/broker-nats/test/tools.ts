import type { GarbagePlace, GarbageTools } from '@ds/broker-testing'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { namesOf, taskSubject } from '../src/names.ts'

/** Puts into the server what the adapter did not write. */
export function garbageTools(client: NatsConnection): GarbageTools {
  const publish = (subject: string, bytes: string | Uint8Array): Promise<unknown> =>
    jetstream(client).publish(subject, bytes)
  const rewrite = async (place: GarbagePlace, taskId: string, change: (text: string) => string): Promise<void> => {
    const names = namesOf(place.namespace)
    const subject = taskSubject(names, taskId)
    const message = await (await jetstreamManager(client)).streams.getMessage(names.tasks, { last_by_subj: subject })
    await publish(subject, change(message?.string() ?? ''))
  }
  return {
    undecodable: async ({ namespace, queue }, bytes) => {
      await publish(`${namesOf(namespace).root}.queue.${queue}.garbage`, bytes)
    },
    fromTheFuture: (place, taskId) => rewrite(place, taskId, (text) => text.replaceAll('"schema":1', '"schema":2')),
    unknownField: (place, taskId) => rewrite(place, taskId, (text) => text.replace('{', '{"mood":"good",')),
    corruptRecord: async ({ namespace }, taskId) => {
      await publish(taskSubject(namesOf(namespace), taskId), new Uint8Array([0xff, 0xfe, 0x00, 0x7f]))
    },
  }
}

/** How many messages the server holds of a namespace. */
export async function messagesOf(client: NatsConnection, namespace: string): Promise<number> {
  const manager = await jetstreamManager(client)
  const { tasks, queues, parked } = namesOf(namespace)
  const infos = await Promise.all([tasks, queues, parked].map((stream) => manager.streams.info(stream)))
  return infos.reduce((total, { state }) => total + state.messages, 0)
}
