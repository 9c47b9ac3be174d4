import type { Task } from '@ds/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LogEntry } from '../port/log-port.ts'
import { fold } from './fold.ts'
import { Partition } from './partition.ts'
import { encodeRecord } from './records.ts'
import type { StateRecord } from './records.ts'

const SILENT = {
  changed: () => undefined,
  added: () => undefined,
  removed: () => undefined,
  claimEnded: () => undefined,
  answered: () => undefined,
}

/** A log that is folded as it is written, with a keeper that sees to it now and then. */
class Log {
  readonly entries: LogEntry[] = []
  readonly answers: string[] = []
  readonly live: Partition = new Partition(0, {
    ...SILENT,
    answered: (_nonce, answer) => void this.answers.push(answer),
  })
  #keys = 0

  write(id: string, record: StateRecord, payload?: string): void {
    this.append(`k${this.#keys++}:${id}`, encodeRecord(record, payload))
  }

  append(key: string, value: Buffer | null): void {
    const offset = this.entries.length
    const entry: LogEntry = { offset, timestamp: 1000 + offset, key: Buffer.from(key), value, headers: {} }
    this.entries.push(entry)
    fold(this.live, entry)
  }

  submit(id: string, incarnation: string): void {
    const fields = { name: 'n', group: 'g', queue: 'q', maxRetries: 2, maxCrashes: 2 }
    this.write(id, { type: 'submitted', incarnation, ...fields }, '{"a":1}')
  }

  seal(id: string): void {
    const entry = this.live.entries.get(id)
    if (!entry) return
    const { task, args = '', result, errors, retriedBy } = entry
    const record: StateRecord = {
      type: 'sealed',
      nonce: `seal-${this.#keys}`,
      task,
      ...(errors && { errors }),
      ...(retriedBy !== undefined && { retriedBy }),
      argsLength: args.length,
      hasResult: result !== undefined,
    }
    this.write(id, record, args + (result ?? ''))
  }

  clearLitter(most = Infinity): void {
    for (const key of [...this.live.litter.keys()].slice(0, most)) this.append(key, null)
  }

  /** What compaction leaves that has come so far: of each key below the newest record; tombstones stay. */
  compacted(upTo: number): LogEntry[] {
    const newest = new Map<string, number>()
    for (const { key, offset } of this.entries.slice(0, upTo)) newest.set(String(key), offset)
    return this.entries.filter(({ key, offset }) => offset >= upTo || newest.get(String(key)) === offset)
  }
}

function folded(entries: readonly LogEntry[]): Partition {
  const part = new Partition(0, SILENT)
  for (const entry of entries) fold(part, entry)
  return part
}

function tasksOf({ entries }: Partition): Record<string, unknown> {
  return Object.fromEntries(
    [...entries.values()]
      .map(({ id, task, args, result, errors }): [string, unknown] => [id, { task, args, result, errors }])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  )
}

function taskOf(log: Log, id: string): Task | undefined {
  return log.live.entries.get(id)?.task
}

function claim(log: Log, name: string, attempt = 1): void {
  log.write('t', { type: 'claimed', incarnation: 'one', attempt, claim: name, lease: 1000 })
}

describe('the order of the log decides', () => {
  test('the first submission of an id is the task, the same one again is created again', () => {
    const log = new Log()
    log.submit('t', 'one')
    log.submit('t', 'two')
    log.submit('t', 'one')
    expect(log.answers).toEqual(['created', 'exists', 'created'])
    expect(taskOf(log, 't')?.incarnation).toBe('one')
  })

  test('the first claim of an attempt runs it, and only its outcome counts', () => {
    const log = new Log()
    log.submit('t', 'one')
    claim(log, 'a.0')
    claim(log, 'b.0')
    log.write('t', { type: 'ended', claim: 'b.0', outcome: { type: 'done' } }, '"b"')
    expect(taskOf(log, 't')?.state).toBe('RUNNING')
    log.write('t', { type: 'ended', claim: 'a.0', outcome: { type: 'done' } }, '"a"')
    expect(log.live.entries.get('t')?.result).toBe('"a"')
    expect(log.answers).toEqual(['created', 'claimed', 'void'])
  })

  test('an outcome behind the loss of its claim is void', () => {
    const log = new Log()
    log.submit('t', 'one')
    claim(log, 'a.0')
    log.write('t', { type: 'lost', claim: 'a.0' })
    log.write('t', { type: 'ended', claim: 'a.0', outcome: { type: 'done' } }, '"late"')
    expect(taskOf(log, 't')).toMatchObject({ state: 'QUEUED', attempt: 1, crashes: 1 })
  })

  test('a claim of a task that is not due is void', () => {
    const log = new Log()
    const fields = { name: 'n', group: 'g', queue: 'q', maxRetries: 2, maxCrashes: 2 }
    log.write('t', { type: 'submitted', incarnation: 'one', ...fields, delay: 2 }, 'null')
    claim(log, 'a.0')
    claim(log, 'a.1')
    expect(log.answers).toEqual(['created', 'void', 'claimed'])
  })

  test('a seal that a retry has overtaken is void', () => {
    const log = new Log()
    log.submit('t', 'one')
    log.write('t', { type: 'cancel', nonce: 'c', incarnation: 'one', requeue: false })
    const entry = log.live.entries.get('t')
    const task = entry?.task as Task
    log.write('t', { type: 'retry', nonce: 'r', incarnation: 'one', retry: 'again' })
    log.write('t', { type: 'sealed', nonce: 's', task, argsLength: 7, hasResult: false }, '{"a":1}')
    expect(taskOf(log, 't')?.state).toBe('QUEUED')
    expect(log.answers.at(-1)).toBe('void')
  })

  test('bytes that replace what a task rests on are garbage, and the task is gone', () => {
    const log = new Log()
    log.submit('t', 'one')
    log.append('k0:t', Buffer.from([0xff, 0xfe]))
    expect(taskOf(log, 't')).toBeUndefined()
    expect([...log.live.garbage.keys()]).toEqual(['k0:t'])
    log.submit('t', 'two')
    expect(log.answers.at(-1)).toBe('created')
  })
})

const IDS = ['a', 'b']
const CLAIMS = ['w.0', 'w.1', 'x.0']

/** Anything that anybody might write, in place or not. */
const step: fc.Arbitrary<(log: Log) => void> = fc
  .record({
    what: fc.constantFrom(
      'submit',
      'claim',
      'claim',
      'claim',
      'end',
      'end',
      'lost',
      'progress',
      'cancel',
      'retry',
      'remove',
      'expire',
      'seal',
      'seal',
      'clear',
      'clearSome',
    ),
    id: fc.constantFrom(...IDS),
    claim: fc.constantFrom(...CLAIMS),
    again: fc.boolean(),
  })
  .map(
    ({ what, id, claim: name, again }) =>
      (log) =>
        play(log, { what, id, claim: name, again }),
  )

function play(
  log: Log,
  { what, id, claim: name, again }: { what: string; id: string; claim: string; again: boolean },
): void {
  const entry = log.live.entries.get(id)
  const { incarnation = 'none', attempt = 0, version = 0 } = entry?.task ?? {}
  const nonce = `n${log.entries.length}`
  const current = again ? (entry?.claim?.name ?? name) : name
  if (what === 'submit') log.submit(id, `life-${log.entries.length}`)
  if (what === 'claim')
    log.write(id, { type: 'claimed', incarnation, attempt: attempt + 1, claim: `${name}-${nonce}`, lease: 1000 })
  if (what === 'end')
    log.write(
      id,
      again
        ? { type: 'ended', claim: current, outcome: { type: 'done' } }
        : {
            type: 'ended',
            claim: current,
            outcome: { type: 'retry', delay: 0, error: { name: 'E', message: '', stacktrace: [] } },
          },
      again ? '"result"' : undefined,
    )
  if (what === 'lost') log.write(id, { type: 'lost', claim: current })
  if (what === 'progress')
    log.write(id, { type: 'progress', claim: current, progress: again ? 0.5 : (entry?.task.progress ?? 0) + 0.1 })
  if (what === 'cancel') log.write(id, { type: 'cancel', nonce, incarnation, requeue: again })
  if (what === 'retry') log.write(id, { type: 'retry', nonce, incarnation, retry: nonce })
  if (what === 'remove') log.write(id, { type: 'remove', nonce, incarnation })
  if (what === 'expire') log.write(id, { type: 'expired', incarnation, version })
  if (what === 'seal' && (entry?.chain === log.live.unsealed || again)) sealFinished(log, id)
  if (what === 'clear') log.clearLitter()
  if (what === 'clearSome') log.clearLitter(2)
}

function sealFinished(log: Log, id: string): void {
  const state = taskOf(log, id)?.state
  if (state === 'DONE' || state === 'ERROR' || state === 'CANCELLED') log.seal(id)
}

test('live, fresh and compacted views agree, wherever compaction stands', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, share) => {
        const log = new Log()
        for (const each of steps) each(log)
        const live = tasksOf(log.live)
        expect(tasksOf(folded(log.entries))).toEqual(live)
        expect(tasksOf(folded(log.compacted(Math.floor(share * log.entries.length))))).toEqual(live)
        expect(tasksOf(folded(log.compacted(log.entries.length)))).toEqual(live)
      },
    ),
    { numRuns: 2000 },
  )
})
