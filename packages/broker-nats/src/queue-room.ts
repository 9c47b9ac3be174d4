import type { NewTask } from '@ds/core'
import type { Link } from './jetstream/link.ts'
import { durableOf } from './names.ts'
import type { Names } from './names.ts'
import { findConsumer } from './jetstream/durable.ts'
import { ensureConsumer } from './jetstream/topology.ts'

/** A place in a queue that one task asks for. Taken at most once. */
export interface Place {
  /** False where the queue is full. */
  take(): boolean
  free(): void
}

const BOUNDLESS: Place = { take: () => true, free: () => undefined }

/** How many tasks wait in the queues of one batch, with those of the batch itself counted in. */
export class QueueRoom {
  readonly #waiting: Map<string, number>

  private constructor(waiting: Map<string, number>) {
    this.#waiting = waiting
  }

  static async read(place: { link: Link; names: Names }, queues: ReadonlySet<string>): Promise<QueueRoom> {
    const counts = [...queues].map(async (queue) => [queue, await waitingIn(place, queue)] as const)
    return new QueueRoom(new Map(await Promise.all(counts)))
  }

  placeFor({ queue, maxQueued }: NewTask): Place {
    if (maxQueued === undefined) return BOUNDLESS
    let taken = false
    const add = (change: 1 | -1): void => {
      taken = change === 1
      this.#waiting.set(queue, (this.#waiting.get(queue) ?? 0) + change)
    }
    return {
      take: () => {
        if (!taken && (this.#waiting.get(queue) ?? 0) >= maxQueued) return false
        if (!taken) add(1)
        return true
      },
      free: () => {
        if (taken) add(-1)
      },
    }
  }
}

/** Entries that were never delivered: neither what runs nor what waits for a retry. */
async function waitingIn({ link, names }: { link: Link; names: Names }, queue: string): Promise<number> {
  const present = await findConsumer(link, names.tasks, durableOf(queue))
  if (present) return present.num_pending
  await ensureConsumer(link, names, queue)
  return (await findConsumer(link, names.tasks, durableOf(queue)))?.num_pending ?? 0
}
