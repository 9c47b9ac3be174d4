import { randomBytes } from 'node:crypto'
import type { NewTask } from '../broker/broker.ts'
import { LONGEST_DELAY, milliseconds } from '../duration.ts'
import { wholeNumber } from '../tasks/define-task.ts'
import { ConfigInvalidError } from '../errors.ts'
import type { TaskProfile } from './known-tasks.ts'
import type { Middleware } from '../tasks/middleware.ts'
import { checkId, checkLabel, drawTaskId, queueOf } from '../names.ts'
import { encodePayload } from '../tasks/payload.ts'
import { checkArgs } from '../tasks/schema.ts'
import type { TaskHeaders } from '../tasks/task.ts'
import type { CreateOptions } from './task-manager.ts'

/** A task as a caller asks for it. */
export interface TaskAsked extends CreateOptions {
  readonly name: string
  readonly args: unknown
}

/** What of a manager decides about the tasks it creates. */
export interface CreationRules {
  readonly maxPayload: number
  readonly middleware: readonly Middleware[]
  /** The task in whose handler this happens. */
  readonly parentId: string | undefined
}

const MAX_HEADERS = 4 * 1024

type Draft = { -readonly [Key in keyof NewTask]: NewTask[Key] }

/**
 * Makes what a broker takes of what a caller asks for. Answers without a promise wherever the schema does, since this runs for each
 * task of a batch.
 * @throws InvalidArgumentsError, NotSerializableError, PayloadTooLargeError, ConfigInvalidError
 */
export function newTask(asked: TaskAsked, profile: TaskProfile, rules: CreationRules): NewTask | Promise<NewTask> {
  const checked = profile.args && checkArgs(asked.name, profile.args, asked.args)
  return checked ? checked.then(() => draft(asked, profile, rules)) : draft(asked, profile, rules)
}

function draft(asked: TaskAsked, profile: TaskProfile, rules: CreationRules): NewTask {
  const { name, args, maxRetries } = asked
  const group = asked.group === undefined ? profile.group : checkLabel('group', asked.group)
  const task: Draft = {
    id: asked.id === undefined ? drawTaskId() : checkId('task id', asked.id),
    incarnation: nextIncarnation(),
    name: checkId('task name', name),
    group,
    queue: queueOf(group),
    args: encodePayload(`The args of ${name}`, args, rules.maxPayload),
    maxRetries: maxRetries === undefined ? profile.maxRetries : wholeNumber('maxRetries', maxRetries, 0),
    maxCrashes: profile.maxCrashes,
  }
  if (asked.id === undefined) task.uniqueId = true
  if (profile.maxQueued !== undefined) task.maxQueued = profile.maxQueued
  if (asked.parentId !== undefined) task.parentId = checkId('parentId', asked.parentId)
  else if (rules.parentId !== undefined) task.parentId = rules.parentId
  addTimes(task, asked)
  addHeaders(task, asked, rules.middleware)
  return task
}

function addTimes(task: Draft, { delay, runAt }: TaskAsked): void {
  if (delay !== undefined) {
    const wait = Math.ceil(milliseconds(delay, 'delay'))
    if (wait > LONGEST_DELAY) throw new ConfigInvalidError(`delay is ${wait} ms`, { fix: 'Give at most 100 years' })
    if (wait > 0) task.delay = wait
  }
  if (runAt !== undefined) {
    const time = runAt instanceof Date ? runAt.getTime() : runAt
    if (!Number.isFinite(time))
      throw new ConfigInvalidError('runAt is not a time', { fix: 'Give a Date or milliseconds since 1970' })
    if (time - Date.now() > LONGEST_DELAY)
      throw new ConfigInvalidError(`runAt is ${time}`, { fix: 'Give a time within the next 100 years' })
    task.runAt = Math.ceil(time)
  }
}

function addHeaders(task: Draft, { name, args, headers }: TaskAsked, middleware: readonly Middleware[]): void {
  let all: Record<string, string> | undefined
  for (const item of middleware) {
    const added = item.create?.({ name, args })
    if (added) all = { ...all, ...added }
  }
  if (headers) all = { ...all, ...headers }
  if (all && Object.keys(all).length > 0) task.headers = checkHeaders(name, all)
}

function checkHeaders(name: string, headers: TaskHeaders): TaskHeaders {
  const wrong = Object.entries(headers).find(([, value]) => typeof value !== 'string')
  if (wrong)
    throw new ConfigInvalidError(`The header ${wrong[0]} of ${name} is a ${typeof wrong[1]}`, { fix: 'Give texts' })
  const size = Buffer.byteLength(JSON.stringify(headers))
  if (size <= MAX_HEADERS) return headers
  throw new ConfigInvalidError(`The headers of ${name} take ${size} bytes encoded, the limit is ${MAX_HEADERS}`, {
    fix: 'Put data into the args',
  })
}

const PROCESS_PREFIX = randomBytes(9).toString('base64url')
let submissions = 0

/** Unique for each submission: drawn once by chance for this process, then counted. */
export function nextIncarnation(): string {
  submissions += 1
  return `${PROCESS_PREFIX}-${submissions.toString(36)}`
}
