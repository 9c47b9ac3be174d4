import { setTimeout } from 'node:timers/promises'
import { JetStreamApiError } from '@nats-io/jetstream'
import { headers } from '@nats-io/transport-node'
import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import { API, apiCode, isConflict } from './errors.ts'
import type { Link } from './link.ts'

const EXPECTED = 'Nats-Expected-Last-Subject-Sequence'
const MESSAGE_ID = 'Nats-Msg-Id'
const IN_PROCESS_WAIT = 20

export interface NewMessage {
  readonly subject: string
  readonly body: string
}

/** Stores a message if the newest of its subject has this sequence, 0 for none. Gives the new sequence; undefined where another stands. */
export async function publishIfExpected(
  link: Link,
  { subject, body, expected }: NewMessage & { expected: number },
  doing: string,
): Promise<number | undefined> {
  try {
    return await publish(link, { subject, body, headers: headerOf(EXPECTED, String(expected)) }, doing)
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
      await publish(link, { subject, body, headers: headerOf(MESSAGE_ID, name) }, doing)
      return
    } catch (error) {
      // The first one is on its way through the cluster: it may yet fail.
      if (apiCode(error) !== API.duplicateInProcess || performance.now() > until) throw error
      await setTimeout(IN_PROCESS_WAIT)
    }
  }
}

async function publish(link: Link, message: NewMessage & { headers: MsgHdrs }, doing: string): Promise<number> {
  const { subject, body, headers: header } = message
  return link.ask({ subject, payload: body, headers: header }, doing, sequenceIn)
}

function headerOf(name: string, value: string): MsgHdrs {
  const header = headers()
  header.set(name, value)
  return header
}

/** The sequence in the answer to a publish: `{"stream":"...","seq":7}`. */
function sequenceIn(answer: Msg): number {
  return (apiAnswer(answer) as { seq: number }).seq
}

/** The answer of the JetStream API. Throws the error that it holds. */
export function apiAnswer(answer: Msg): object {
  const value = answer.json<object & { error?: { code: number; err_code: number; description: string } }>()
  if (value.error) throw new JetStreamApiError(value.error)
  return value
}
