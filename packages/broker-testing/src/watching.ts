import type { Broker, EventFilter, TaskEvent } from '@ds/core'
import type { CaseContext } from './case-context.ts'
import { check, equal } from './check.ts'

/** A subscription that is read as it comes. */
export interface Watched {
  /** All events so far, in order. */
  readonly events: TaskEvent[]
  /** How often it said that events may be missing. */
  readonly resyncs: number
  /** Whether the subscription has ended. */
  readonly ended: Promise<void>
  stop(): void
}

/** Subscribes and reads everything that comes; resolves when it is live. */
export async function watch(context: CaseContext, broker: Broker, filter: EventFilter = {}): Promise<Watched> {
  const stopping = new AbortController()
  const subscription = await broker.subscribe(filter, { signal: AbortSignal.any([stopping.signal, context.signal]) })
  const watched = { events: [] as TaskEvent[], resyncs: 0, stop: () => stopping.abort() }
  const read = async (): Promise<void> => {
    for await (const item of subscription) {
      if (item.type === 'resync') watched.resyncs += 1
      else watched.events.push(item)
    }
  }
  const ended = read()
  return Object.assign(watched, { ended })
}

/** The events of one task. */
export function eventsOf({ events }: Watched, taskId: string): TaskEvent[] {
  return events.filter((event) => event.taskId === taskId)
}

/** Waits until a task's final event has come, and gives all of the task's. */
export async function untilFinal(context: CaseContext, watched: Watched, taskId: string): Promise<TaskEvent[]> {
  await context.until(`the final event of ${taskId}`, () => eventsOf(watched, taskId).some(isFinalEvent))
  return eventsOf(watched, taskId)
}

export function isFinalEvent({ state }: TaskEvent): boolean {
  return state === 'DONE' || state === 'ERROR' || state === 'CANCELLED'
}

/** Fails unless versions only grow and each event's attempt is that of a task that goes on. */
export function checkGrowing(events: readonly TaskEvent[], what: string): void {
  for (const [index, event] of events.entries()) {
    const next = events[index + 1]
    if (!next) return
    const versions = `${event.type} ${event.version} before ${next.type} ${next.version}`
    check(next.version > event.version, `${what}: ${versions}`)
    check(next.attempt >= event.attempt, `${what}: attempt ${event.attempt} before ${next.attempt}`)
  }
}

/** Fails unless the kinds come in this order. Kinds in brackets may have been merged into what follows. */
export function checkKinds(events: readonly TaskEvent[], expected: readonly string[], what: string): void {
  const kinds = events.map(({ type }) => type.replace('Event', ''))
  const needed = expected.filter((kind) => !kind.startsWith('['))
  const allowed = expected.map((kind) => kind.replace(/^\[(.*)\]$/, '$1'))
  let position = 0
  for (const kind of kinds) {
    const found = allowed.indexOf(kind, position)
    check(found >= 0, `${what}: expected ${expected.join(', ')}, got ${kinds.join(', ')}`)
    position = found + 1
  }
  equal(
    needed.filter((kind) => !kinds.some((each) => each === kind)),
    [],
    `missing of ${what}: ${kinds.join(', ')}`,
  )
}
