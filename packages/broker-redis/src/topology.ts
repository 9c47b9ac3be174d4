/** The group that reads every queue. */
export const GROUP = 'workers'

/** Names of the keys of one namespace. All carry the same hash tag, so that on a cluster they lie on one node and a script reaches all. */
export interface Topology {
  /** What all keys begin with, and what scripts derive them from. */
  readonly prefix: string
  /** Hash of a task: `state`, `task`, `args`, `result`, `headers`, `retry`. */
  readonly task: (id: string) => string
  /** List of a task's failed attempts. */
  readonly errors: (id: string) => string
  /** Stream of the tasks that are due in a queue. */
  readonly queue: (queue: string) => string
  /** Stream of those that have lost a worker before. */
  readonly suspects: (queue: string) => string
  /** Sorted set of a queue's tasks that wait for a delay or a retry, by `runAt`. */
  readonly delayed: (queue: string) => string
  /** Sorted set of all tasks, by state and `createdAt`. */
  readonly index: string
  /** List of the finished tasks, in the order in which they ended. */
  readonly finished: string
  /** Stream of events: one entry for each call, that tells of all its tasks. */
  readonly events: string
  /** Stream of what could not be decoded. */
  readonly parked: string
  /** Set of the queues that have been used. */
  readonly queues: string
  /** Hash of the Apps that workers run. */
  readonly apps: string
  /** Channel of the cancels of running tasks. */
  readonly cancel: string
}

export function topologyOf(namespace: string): Topology {
  const prefix = `{ds:${namespace}}:`
  return {
    prefix,
    task: (id) => `${prefix}task:${id}`,
    errors: (id) => `${prefix}errors:${id}`,
    queue: (queue) => `${prefix}queue:${queue}`,
    suspects: (queue) => `${prefix}suspects:${queue}`,
    delayed: (queue) => `${prefix}delayed:${queue}`,
    index: `${prefix}index`,
    finished: `${prefix}finished`,
    events: `${prefix}events`,
    parked: `${prefix}parked`,
    queues: `${prefix}queues`,
    apps: `${prefix}apps`,
    cancel: `${prefix}cancel`,
  }
}

/**
 * The name of a consumer in the server's lists. It begins with its lease, so that any reaper can tell when a delivery of it has run out, and ends
 * with a nonce: nobody is ever taken for a worker of the same name that lived before.
 */
export function consumerName(lease: number, workerId: string, nonce: string): string {
  return `${Math.ceil(lease)}:${workerId}:${nonce}`
}
