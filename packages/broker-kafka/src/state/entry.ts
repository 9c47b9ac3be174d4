import type { AttemptError, Payload, Task } from '@ds/core'
import type { Chain, Link } from './chain.ts'

/** What is known of one task. `task` is replaced as a whole with every change, so that what was handed out never changes. */
export interface Entry extends Link<Entry> {
  readonly id: string
  readonly partition: number
  task: Task
  /** Undefined where memory holds it no more: then it is read again. A finished task alone can be without. */
  args: Payload | undefined
  /** The same, and undefined for a task without a result. */
  result: Payload | undefined
  /** The offset of the record that holds the args. */
  argsAt: number
  /** That of the record that holds the result; undefined for a task without one. */
  resultAt: number | undefined
  /** Units of the args. */
  readonly argsSize: number
  /** Units of args and result together. */
  size: number
  errors: AttemptError[] | undefined
  /** The claim that runs it. */
  claim: Claim | undefined
  /** The record of how far this attempt is: a later one takes its place. */
  progressKey: string | undefined
  /** The nonce of its last retry. */
  retriedBy: string | undefined
  /** Keys of the records that make it what it is, in the order of the log. */
  keys: string[]
  /** The one of these that everything rests on: its submission, or its seal. Without it there is no task. */
  base: string
  /** Whether its seal says all there is. */
  sealed: boolean
  /** It was removed. */
  gone: boolean
  /** When it is due, while it waits for that. */
  dueAt: number | undefined
  chain: Chain<Entry> | undefined
  before: Entry | undefined
  after: Entry | undefined
}

/** The right to run an attempt, as the log gave it. */
export interface Claim {
  /** Names it for ever. */
  readonly name: string
  /** When it was appended. */
  readonly at: number
  /** Milliseconds. */
  readonly lease: number
}

/** The consumer that made a claim, of whose name it is the first part. */
export function consumerOf(claim: string): string {
  return claim.slice(0, claim.indexOf('.'))
}

export function newEntry(
  fields: Pick<Entry, 'id' | 'partition' | 'task' | 'argsAt' | 'base'> & { args: Payload },
): Entry {
  return {
    ...fields,
    result: undefined,
    resultAt: undefined,
    argsSize: fields.args.length,
    size: fields.args.length,
    errors: undefined,
    claim: undefined,
    progressKey: undefined,
    retriedBy: undefined,
    keys: [fields.base],
    sealed: false,
    gone: false,
    dueAt: undefined,
    chain: undefined,
    before: undefined,
    after: undefined,
  }
}
