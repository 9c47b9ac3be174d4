import type { GarbagePlace, GarbageTools, ServerUsage } from '@ds/broker-testing'
import { Cluster, Redis } from 'ioredis'
import { topologyOf } from '../src/topology.ts'

/** Puts into the server what the adapter did not write. */
export function garbageTools(client: Redis | Cluster): GarbageTools {
  const keyOf = ({ namespace }: GarbagePlace, taskId: string): string => topologyOf(namespace).task(taskId)
  return {
    undecodable: async ({ namespace, queue }, bytes) => {
      await client.xadd(topologyOf(namespace).queue(queue), '*', 'message', Buffer.from(bytes))
    },
    fromTheFuture: async (place, taskId) => {
      const record = (await client.hget(keyOf(place, taskId), 'state')) ?? ''
      await client.hset(keyOf(place, taskId), 'state', record.replace(/^1 /, '2 '))
    },
    unknownField: async (place, taskId) => {
      await client.hset(keyOf(place, taskId), 'mood', 'good')
    },
    corruptRecord: async (place, taskId) => {
      await client.hset(keyOf(place, taskId), 'state', Buffer.from([0xff, 0xfe, 0x00, 0x7f]))
    },
  }
}

/** How many keys and members the server holds of a namespace: each task is a member of an index, so that leftovers count too. */
export async function keysOf(client: Redis | Cluster, namespace: string): Promise<number> {
  const { prefix } = topologyOf(namespace)
  let total = 0
  for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
    for await (const keys of node.scanStream({ match: `${prefix}*`, count: 1000 })) {
      for (const key of keys as string[]) total += await sizeOf(client, key)
    }
  }
  return total
}

async function sizeOf(client: Redis | Cluster, key: string): Promise<number> {
  switch (await client.type(key)) {
    case 'zset':
      return client.zcard(key)
    case 'list':
      return client.llen(key)
    case 'stream':
      return client.xlen(key)
    case 'set':
      return client.scard(key)
    default:
      return 1
  }
}

/** The keys of a server and the bytes of its dataset. */
export async function usageOf(url: string): Promise<ServerUsage> {
  const client = new Redis(url)
  try {
    const records = await client.dbsize()
    const bytes = /used_memory_dataset:(\d+)/.exec(await client.info('memory'))?.[1]
    return { records, bytes: Number(bytes) }
  } finally {
    client.disconnect()
  }
}
