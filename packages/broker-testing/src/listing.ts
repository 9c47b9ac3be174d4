import type { Broker, Task, TaskCursor, TaskQuery } from '@ds/core'
import { check } from './check.ts'

/** Pages after which a list that does not end counts as broken. */
const MOST_PAGES = 2000

/** All pages of a query, one after the other; `between` runs after each. Checks that each keeps to the limit. */
export async function listAll(
  broker: Broker,
  query: Omit<TaskQuery, 'cursor'>,
  between?: (page: number) => Promise<void>,
): Promise<Task[]> {
  const tasks: Task[] = []
  let cursor: TaskCursor | undefined
  for (let page = 1; page <= MOST_PAGES; page++) {
    const found = await broker.list(cursor ? { ...query, cursor } : query)
    check(found.tasks.length <= query.limit, `a page of at most ${query.limit} holds ${found.tasks.length} tasks`)
    tasks.push(...found.tasks)
    if (!found.cursor) return tasks
    cursor = found.cursor
    await between?.(page)
  }
  check(false, `a list did not end after ${MOST_PAGES} pages`)
}

/** Fails unless the tasks are ordered by creation and id, newest first, ids compared by their bytes. */
export function checkOrder(tasks: readonly Task[], what: string): void {
  for (const [index, task] of tasks.entries()) {
    const next = tasks[index + 1]
    if (!next) return
    const byId = Buffer.compare(Buffer.from(task.id), Buffer.from(next.id))
    const inOrder = task.createdAt > next.createdAt || (task.createdAt === next.createdAt && byId > 0)
    check(inOrder, `${what}: ${task.id} (${task.createdAt}) stands before ${next.id} (${next.createdAt})`)
  }
}
