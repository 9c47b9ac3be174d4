import { setTimeout } from 'node:timers/promises'
import { JetStreamApiError } from '@nats-io/jetstream'
import type { Msg } from '@nats-io/transport-node'
import { API, apiCode, isConflict } from './errors.ts'
import type { Link } from './link.ts'
import type { Header } from './requests.ts'

const EXPECTED = 'Nats-Expected-Last-Subject-Sequence'
const MESSAGE_ID = 'Nats-Msg-Id'
const IN_PROCESS_WAIT = 20

export interface NewMessage {
  readonly subject: string
  readonly body: string | Uint8Array
}

/** Stores a message if the newest of its subject has this sequence, 0 for none. Gives the new sequence; undefined where another stands. */
export function publishIfExpected(
  link: Link,
  { subject, body, expected }: NewMessage & { expected: number },
  doing: string,
): Promise<number | undefined> {
  const header = { name: EXPECTED, value: String(expected) }
  return link.ask({ subject, payload: body, header }, doing, sequenceUnlessConflict)
}

function sequenceUnlessConflict(answer: Msg): number | undefined {
  try {
    return sequenceIn(answer)
  } catch (error) {
    if (isConflict(error)) return undefined
    throw error
  }
}

/** Stores a message once: one that is sent again under its name is dropped while the server remembers the first. */
export async function publishOnce(
  link: Link,
  { subject, body, name }: NewMessage & { name: string },
  doing: string,
): Promise<void> {
  const until = performance.now() + link.settings.timeout
  for (;;) {
    try {
      await publish(link, { subject, body, header: { name: MESSAGE_ID, value: name } }, doing)
      return
    } catch (error) {
      // The first one is on its way through the cluster: it may yet fail.
      if (apiCode(error) !== API.duplicateInProcess || performance.now() > until) throw error
      await setTimeout(IN_PROCESS_WAIT)
    }
  }
}

/** Stores a message. Gives its sequence. */
export function publish(
  link: Link,
  { subject, body, header }: NewMessage & { header?: Header },
  doing: string,
): Promise<number> {
  return link.ask({ subject, payload: body, ...(header && { header }) }, doing, sequenceIn)
}

const SEQUENCE = Buffer.from('"seq":')
const [LETTER_S, ZERO] = Buffer.from('s0') as unknown as [number, number]

/** The sequence in the answer to a publish: `{"stream":"...","seq":7}`. There are so many of them that they are not parsed as JSON. */
function sequenceIn(answer: Msg): number {
  const bytes = Buffer.from(answer.data.buffer, answer.data.byteOffset, answer.data.byteLength)
  // One that is an error begins with that, not with the stream, whose name holds no quotes.
  const found = bytes[2] === LETTER_S ? bytes.indexOf(SEQUENCE) : -1
  const sequence = found < 0 ? 0 : numberAt(bytes, found + SEQUENCE.length)
  return sequence > 0 ? sequence : (apiAnswer(answer) as { seq: number }).seq
}

function numberAt(bytes: Uint8Array, start: number): number {
  let number = 0
  for (let index = start; ; index += 1) {
    const digit = (bytes[index] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return number
    number = number * 10 + digit
  }
}

/** The answer of the JetStream API. Throws the error that it holds. */
export function apiAnswer(answer: Msg): object {
  const value = answer.json<object & { error?: { code: number; err_code: number; description: string } }>()
  if (value.error) throw new JetStreamApiError(value.error)
  return value
}
