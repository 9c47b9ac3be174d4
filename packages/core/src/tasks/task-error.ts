import { fileURLToPath } from 'node:url'
import type { StackFrame, TaskError } from './task.ts'

export const MAX_ERROR_TEXT: number = 4 * 1024
export const MAX_STACK_FRAMES = 50
const MAX_CAUSES = 10
/** Longer lines are no frames; they are not worth a look. */
const MAX_FRAME_LINE = 2000

/**
 * What is stored of anything that was thrown: name, message, the chain of its causes as one text, the frames of its stack. Never
 * throws, whatever it is given. Message and cause are at most 4 KiB each, the stack at most 50 frames.
 */
export function toTaskError(error: unknown): TaskError {
  const cause = causesOf(error)
  return {
    name: shorten(nameOf(error)),
    message: shorten(messageOf(error)),
    ...(cause !== undefined && { cause: shorten(cause) }),
    stacktrace: framesOf(textAt(error, 'stack') ?? ''),
  }
}

/** Cuts a text to 4 KiB of UTF-8 without splitting a character; half of a surrogate pair becomes U+FFFD. */
export function shorten(text: string): string {
  const whole = text.length > MAX_ERROR_TEXT ? text.slice(0, MAX_ERROR_TEXT + 1) : text
  const bytes = Buffer.from(whole.toWellFormed())
  if (bytes.length <= MAX_ERROR_TEXT) return whole.toWellFormed()
  let end = MAX_ERROR_TEXT
  // Bytes 10xxxxxx go on with the character that begins before them.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.toString('utf8', 0, end)
}

/** Its name; a class that extends Error and gives none is known by its own. */
function nameOf(error: unknown): string {
  const name = textAt(error, 'name') ?? 'Error'
  return name === 'Error' && isObject(error) ? (textAt(read(error, 'constructor'), 'name') ?? name) : name
}

function messageOf(error: unknown): string {
  if (typeof error === 'string') return error
  if (!isObject(error)) return `${describe(error)} was thrown`
  const message = read(error, 'message')
  return typeof message === 'string' ? message : describe(error)
}

/** `TypeError: no such folder; caused by Error: ENOENT`, without the error itself. */
function causesOf(error: unknown): string | undefined {
  const seen = new Set<unknown>([error])
  const texts: string[] = []
  let current = causeOf(error)
  while (current !== undefined && current !== null && texts.length < MAX_CAUSES && !seen.has(current)) {
    seen.add(current)
    texts.push(oneLine(current))
    current = causeOf(current)
  }
  return texts.length > 0 ? texts.join('; caused by ') : undefined
}

/** The cause of an error, or the errors that an AggregateError gathers. */
function causeOf(error: unknown): unknown {
  const cause = read(error, 'cause')
  if (cause !== undefined) return cause
  const errors = read(error, 'errors')
  if (!Array.isArray(errors) || errors.length === 0) return undefined
  return errors.slice(0, MAX_CAUSES).map(oneLine).join(', ')
}

function oneLine(error: unknown): string {
  return typeof error === 'string' ? error : `${nameOf(error)}: ${messageOf(error)}`
}

const FRAME = /^\s*at (?:(?<name>.*?) \()?(?<file>[^()]+?):(?<line>\d+):\d+\)?$/

/** The frames of a stack as V8 writes it, innermost first. */
function framesOf(stack: string): StackFrame[] {
  const frames: StackFrame[] = []
  for (const line of stack.split('\n')) {
    if (frames.length === MAX_STACK_FRAMES) break
    const groups = line.length > MAX_FRAME_LINE ? undefined : FRAME.exec(line)?.groups
    if (groups?.file === undefined) continue
    frames.push({ name: frameName(groups.name), file: pathOf(groups.file), lineno: Number(groups.line) })
  }
  return frames
}

function frameName(name: string | undefined): string {
  return shorten(name?.replace(/^async /, '') ?? '<anonymous>')
}

function pathOf(file: string): string {
  const location = file.replace(/^async /, '')
  try {
    return location.startsWith('file:') ? fileURLToPath(location) : location
  } catch {
    return location
  }
}

/** A property, also of an object whose getters throw. */
function read(value: unknown, key: string): unknown {
  if (!isObject(value) && typeof value !== 'function') return undefined
  try {
    return (value as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function textAt(value: unknown, key: string): string | undefined {
  const text = read(value, key)
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** JSON where there is some, as for `throw { status: 500 }`; else what String() makes of it. */
function describe(value: unknown): string {
  try {
    const json = typeof value === 'object' ? JSON.stringify(value) : undefined
    return json ?? String(value)
  } catch {
    return typeof value
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
