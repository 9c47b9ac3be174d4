import { describe, expect, test } from 'vitest'
import type { Task, TaskCursor } from '@ds/core'
import { newRecord } from '@ds/core'
import { namesOf } from '../names.ts'
import { TaskView } from './view.ts'

function task(id: string, createdAt: number, more: Partial<Task> = {}): Task {
  const asked = {
    id,
    incarnation: `life of ${id}`,
    name: 'n',
    group: 'g',
    queue: 'q',
    args: '{}',
    maxRetries: 0,
    maxCrashes: 1,
  }
  return { ...newRecord(asked, createdAt), ...more }
}

function viewOf(...tasks: Task[]): TaskView {
  const view = new TaskView(namesOf('test'))
  for (const [index, each] of tasks.entries()) view.put(each, index + 1)
  return view
}

function pages(view: TaskView, limit: number): string[][] {
  const all: string[][] = []
  let cursor: TaskCursor | undefined
  do {
    const page = view.page({ limit, ...(cursor && { cursor }) })
    all.push(page.ids)
    cursor = page.cursor
  } while (cursor)
  return all
}

describe('pages', () => {
  test('are newest first, by id within a moment, whatever the order of arrival', () => {
    const view = viewOf(task('b', 2), task('a', 1), task('d', 3), task('c', 3), task('e', 2))
    expect(pages(view, 2)).toEqual([['d', 'c'], ['e', 'b'], ['a']])
    expect(pages(view, 5)).toEqual([['d', 'c', 'e', 'b', 'a']])
  })

  test('leave out what a filter refuses and what was removed', () => {
    const view = viewOf(task('a', 1), task('b', 2, { name: 'other' }), task('c', 3), task('d', 4, { parentId: 'c' }))
    view.drop('c', 3)
    expect(view.page({ limit: 10, name: 'n' }).ids).toEqual(['d', 'a'])
    expect(view.page({ limit: 10, parentId: 'c' }).ids).toEqual(['d'])
  })
})

describe('changes', () => {
  test('are counted once, however often and late they come', () => {
    const view = viewOf(task('a', 1), task('b', 2, { runAt: 1000 }))
    expect(view.counts(500)).toMatchObject({ QUEUED: 2, delayed: 1 })
    view.put(task('a', 1, { state: 'DONE' }), 9)
    view.put(task('a', 1, { state: 'RUNNING' }), 8)
    view.put(task('a', 1, { state: 'DONE' }), 9)
    expect(view.counts(1000)).toMatchObject({ QUEUED: 1, RUNNING: 0, DONE: 1, delayed: 0 })
  })

  test('of a removed task that come late do not bring it back, a new life does', () => {
    const view = viewOf(task('a', 1, { state: 'DONE' }))
    view.drop('a', 7)
    view.put(task('a', 1, { state: 'DONE' }), 7)
    expect(view.counts(0)).toMatchObject({ DONE: 0 })
    view.put(task('a', 5, { incarnation: 'second life' }), 8)
    expect(view.page({ limit: 1 }).ids).toEqual(['a'])
    expect(view.counts(0)).toMatchObject({ QUEUED: 1 })
  })

  test('of a task in a new life take the place of the old one', () => {
    const view = viewOf(task('a', 1), task('b', 2))
    view.put(task('a', 3, { incarnation: 'second life' }), 9)
    expect(pages(view, 10)).toEqual([['a', 'b']])
    expect(view.counts(0)).toMatchObject({ QUEUED: 2 })
  })
})

test('removals leave no rows behind, however many there were', () => {
  const view = new TaskView(namesOf('test'))
  for (let index = 0; index < 12_000; index += 1) {
    view.put(task(`t${index}`, index), index + 1)
    if (index >= 10) view.drop(`t${index - 10}`, index - 9)
  }
  expect(view.page({ limit: 100 }).ids).toHaveLength(10)
  expect(view.counts(0)).toMatchObject({ QUEUED: 10 })
})
