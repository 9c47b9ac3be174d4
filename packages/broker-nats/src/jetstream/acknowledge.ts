import type { Link } from './link.ts'

/*
 * What is said to the server of a delivery. It does not ask who speaks: an ack or nak of an old holder acts on the delivery of the new
 * one. So nothing is said before the record says the same.
 */

const ACK = Buffer.from('+ACK')

/** Whether this is where acks, naks and renewals of deliveries of a stream go to. */
export function isAckOf(subject: string, stream: string): boolean {
  return subject.startsWith('$JS.ACK.') && subject.includes(`.${stream}.`)
}

/** The entry is done with: it stays in its stream, and does not come again. */
export function ack(link: Link, reply: string): void {
  link.say(reply, ACK)
}

/** The entry comes back, at once or after some milliseconds. */
export function nak(link: Link, reply: string, after = 0): void {
  link.say(reply, nakText(after))
}

/** The same, and waits until the server has it. */
export async function nakAndWait(link: Link, reply: string, after: number): Promise<void> {
  await link.ask({ subject: reply, payload: nakText(after) }, 'giving a task back', () => undefined)
}

function nakText(after: number): string {
  return after > 0 ? `-NAK {"delay":${Math.ceil(after)}000000}` : '-NAK'
}
