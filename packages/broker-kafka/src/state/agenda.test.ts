import { expect, test } from 'vitest'
import { Agenda } from './agenda.ts'

test('what is due comes in the order of its time, of one time in the order in which it was added', () => {
  const agenda = new Agenda<string>()
  agenda.add('c', 30)
  agenda.add('a', 10)
  agenda.add('b', 20)
  agenda.add('b2', 20)
  expect(agenda.next).toBe(10)
  expect(agenda.takeDue(9)).toEqual([])
  expect(agenda.takeDue(20)).toEqual(['a', 'b', 'b2'])
  expect(agenda.next).toBe(30)
})

test('what leaves leaves its neighbours of the same time alone', () => {
  const agenda = new Agenda<string>()
  for (const name of ['a', 'b', 'c']) agenda.add(name, 5)
  agenda.remove('b', 5)
  agenda.remove('b', 5)
  expect(agenda.takeDue(5)).toEqual(['a', 'c'])
})
