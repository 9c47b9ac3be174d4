/** Names on the server, all derived from the namespace: `[a-z0-9-]{1,48}`. */
export interface Names {
  /** Stream of the task records, of payloads too large to ride in them, and of the Apps. */
  readonly tasks: string
  /** Work queue stream of the entries. */
  readonly queues: string
  /** Stream of what could not be decoded. */
  readonly parked: string
  /** What all subjects of the namespace begin with, as in `ds.default`. */
  readonly root: string
}

export function namesOf(namespace: string): Names {
  const stream = `DS_${namespace}`
  return { tasks: `${stream}_TASKS`, queues: `${stream}_QUEUES`, parked: `${stream}_PARKED`, root: `ds.${namespace}` }
}

export function taskSubject({ root }: Names, id: string): string {
  return `${root}.task.${encodeToken(id)}`
}

/** A payload that is stored apart; `part` tells args and the results of attempts from each other. */
export function blobSubject({ root }: Names, place: { id: string; incarnation: string; part: string }): string {
  return `${root}.blob.${encodeToken(place.id)}.${encodeToken(place.incarnation)}.${encodeToken(place.part)}`
}

/** All blobs of one life of a task. */
export function blobsOf({ root }: Names, { id, incarnation }: { id: string; incarnation: string }): string {
  return `${root}.blob.${encodeToken(id)}.${encodeToken(incarnation)}.>`
}

export function entrySubject({ root }: Names, queue: string, id: string): string {
  return `${root}.queue.${queue}.${encodeToken(id)}`
}

/** An entry that waits for its time before it goes into its queue. */
export function delayedSubject({ root }: Names, queue: string, id: string): string {
  return `${root}.delayed.${queue}.${encodeToken(id)}`
}

/** The queue that the subject of an entry, delayed or not, belongs to. */
export function queueOfSubject({ root }: Names, subject: string): string {
  return subject.slice(root.length + 1).split('.')[1] ?? ''
}

export function appSubject({ root }: Names, name: string): string {
  return `${root}.app.${encodeToken(name)}`
}

/** A message that a process writes to learn the server's time and the end of the log. */
export function markSubject({ root }: Names, process: string): string {
  return `${root}.mark.${encodeToken(process)}`
}

export function parkedSubject({ root }: Names, id: string): string {
  return `${root}.parked.${encodeToken(id)}`
}

export function cancelSubject({ root }: Names): string {
  return `${root}.cancel`
}

/** Where removals are told to the views. */
export function removalSubject({ root }: Names): string {
  return `${root}.removed`
}

/** The durable consumer that the workers of a queue share. */
export function durableOf(queue: string): string {
  return `queue-${queue}`
}

/** The durable consumer of all that is delayed. Queues have a prefix of their own. */
export const DELAYED = 'delayed'

const PLAIN = /^[A-Za-z0-9_-]+$/
const OTHER = /[^A-Za-z0-9_-]/gu

/**
 * Any text as one token of a subject: letters, digits, `-` and `_` stay, each other byte becomes `=` and two hex digits.
 * Reversible, and never empty.
 */
export function encodeToken(text: string): string {
  if (PLAIN.test(text)) return text
  if (text === '') return '='
  return text.replace(OTHER, (character) =>
    Array.from(Buffer.from(character), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  )
}

/** The text of a token; undefined for what {@link encodeToken} never gives. */
export function decodeToken(token: string): string | undefined {
  if (PLAIN.test(token)) return token
  if (token === '=') return ''
  if (!/^(?:[A-Za-z0-9_-]|=[0-9a-f]{2})+$/.test(token)) return undefined
  const bytes = token.replace(/=([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return encodeToken(text) === token ? text : undefined
}
