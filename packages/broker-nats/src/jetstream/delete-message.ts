import { isGone } from './errors.ts'
import type { Link } from './link.ts'
import { apiAnswer } from './publish.ts'

/** Deletes one message of a stream. False where it is not there any more. */
export async function deleteMessage(link: Link, stream: string, sequence: number): Promise<boolean> {
  const question = {
    subject: `${link.apiPrefix}.STREAM.MSG.DELETE.${stream}`,
    // Writing over what it was costs the server a write, and nobody asks for it.
    payload: JSON.stringify({ seq: sequence, no_erase: true }),
  }
  try {
    await link.ask(question, 'deleting a message', apiAnswer)
    return true
  } catch (error) {
    if (isGone(error)) return false
    throw error
  }
}
