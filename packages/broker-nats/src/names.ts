/** Names on the server, all derived from the namespace: `[a-z0-9-]{1,48}`. */
export interface Names {
  /** Stream of the task records and of the entries in the queues, of payloads too large to ride in a record, and of the Apps. */
  readonly tasks: string
  /** Work queue stream of the entries that wait for their time. */
  readonly delayed: string
  /** Stream of what could not be decoded. */
  readonly parked: string
  /** What all subjects of the namespace begin with, as in `ds.default`. */
  readonly root: string
}

export function namesOf(namespace: string): Names {
  const stream = `DS_${namespace}`
  return { tasks: `${stream}_TASKS`, delayed: `${stream}_DELAYED`, parked: `${stream}_PARKED`, root: `ds.${namespace}` }
}

/** In the place of a queue: no queue has that name. */
const RECORD = '_'

/** The record of a task. */
export function taskSubject({ root }: Names, id: string): string {
  return `${root}.task.${RECORD}.${encodeToken(id)}`
}

/** All records, and the marks among them. */
export function recordSubjects({ root }: Names): string {
  return `${root}.task.${RECORD}.*`
}

/** All that is ever said of a task, or of any: its entries and its records. */
export function logSubjects({ root }: Names, id?: string): string {
  return `${root}.task.*.${id === undefined ? '*' : encodeToken(id)}`
}

/** What a subject of the log stands for. */
export function placeInLog(
  { root }: Names,
  subject: string,
): { readonly kind: 'record' | 'entry' | 'mark'; readonly token: string } {
  const [queue, token = ''] = subject.slice(root.length + TASK.length).split('.')
  if (queue !== RECORD) return { kind: 'entry', token }
  return { kind: token.startsWith(MARK) ? 'mark' : 'record', token }
}

const TASK = '.task.'
/** No token of an id begins so. */
const MARK = '=_'

/** A payload that is stored apart; `part` tells args and the results of attempts from each other. */
export function blobSubject({ root }: Names, place: { id: string; incarnation: string; part: string }): string {
  return `${root}.blob.${encodeToken(place.id)}.${encodeToken(place.incarnation)}.${encodeToken(place.part)}`
}

/** All blobs of one life of a task. */
export function blobsOf({ root }: Names, { id, incarnation }: { id: string; incarnation: string }): string {
  return `${root}.blob.${encodeToken(id)}.${encodeToken(incarnation)}.>`
}

/** The entry of a task in its queue. */
export function entrySubject({ root }: Names, queue: string, id: string): string {
  return `${root}.task.${queue}.${encodeToken(id)}`
}

/** All entries of a queue. */
export function entriesOf({ root }: Names, queue: string): string {
  return `${root}.task.${queue}.*`
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
  return `${root}.task.${RECORD}.${MARK}${encodeToken(process)}`
}

/** A message that is only there again when the server has read its files anew. No id is encoded so. */
export function canarySubject({ root }: Names): string {
  return `${root}.blob.${MARK}.canary`
}

/** Holds the id of the server whose last start is known. */
export function restartSubject({ root }: Names): string {
  return `${root}.blob.${MARK}.restart`
}

export function parkedSubject({ root }: Names, id: string): string {
  return `${root}.parked.${encodeToken(id)}`
}

export function cancelSubject({ root }: Names): string {
  return `${root}.cancel`
}

/** The durable consumer that the workers of a queue share. */
export function durableOf(queue: string): string {
  return `${DURABLE}${queue}`
}

/** The queue of such a consumer; undefined for any other. */
export function queueOfDurable(durable: string): string | undefined {
  return durable.startsWith(DURABLE) ? durable.slice(DURABLE.length) : undefined
}

const DURABLE = 'queue-'

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
