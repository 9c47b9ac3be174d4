import { BrokerUnavailableError } from '@ds/core'
import type { Payload } from '@ds/core'
import type { LogEntry, LogPort, LogPosition } from '../port/log-port.ts'
import type { Entry } from './entry.ts'
import { decodeRecord, partsOfSeal } from './records.ts'
import type { Decoded } from './records.ts'
import type { StateView } from './state-view.ts'

/** What a task carries besides its state. */
export interface Payloads {
  readonly args: Payload
  readonly result: Payload | undefined
}

/** How often a place is looked up anew that compaction has emptied meanwhile. */
const TRIES = 5

/** What is needed to read the log again. */
export interface PayloadSource {
  readonly port: LogPort
  readonly view: StateView
  readonly topology: { readonly state: string }
}

/**
 * Args and results of tasks, read from the log again where memory holds them no more. Tasks that are gone from the log by then are
 * missing in the answer.
 *
 * @throws BrokerUnavailableError when the log does not give back what it must hold.
 */
export async function payloadsOf(
  source: PayloadSource,
  entries: readonly Entry[],
): Promise<ReadonlyMap<Entry, Payloads>> {
  const found = new Map<Entry, Payloads>()
  let open = entries
  for (let tries = 0; ; tries += 1) {
    open = open.filter((entry) => !takeFromMemory(entry, found) && !entry.gone)
    if (open.length === 0) return found
    if (tries === TRIES) throw notGivenBack(open[0])
    // A seal may have taken the place of what was looked for: once it is read, the entry says where to look.
    if (tries > 0)
      await Promise.all([...new Set(open.map(({ partition }) => partition))].map((p) => source.view.newest(p)))
    open = await readInto(source, open, found)
  }
}

function takeFromMemory(entry: Entry, found: Map<Entry, Payloads>): boolean {
  const { args, result, resultAt } = entry
  if (args === undefined || (resultAt !== undefined && result === undefined)) return false
  found.set(entry, { args, result })
  return true
}

/** The entries that are still without, because their records are not where they were. */
async function readInto(
  { port, topology: { state: topic } }: PayloadSource,
  entries: readonly Entry[],
  found: Map<Entry, Payloads>,
): Promise<Entry[]> {
  const places = entries.flatMap(({ partition, argsAt, resultAt }): LogPosition[] => {
    const args = { topic, partition, offset: argsAt }
    return [args, resultAt === undefined ? args : { topic, partition, offset: resultAt }]
  })
  const withoutResult = entries.map(({ resultAt }) => resultAt === undefined)
  const records = await port.readAgain(places)
  return entries.filter((entry, index) => {
    const payloads = decode(records[2 * index], records[2 * index + 1], withoutResult[index] === true)
    if (payloads) found.set(entry, payloads)
    return payloads === undefined
  })
}

function decode(first: LogEntry | undefined, second: LogEntry | undefined, argsOnly: boolean): Payloads | undefined {
  if (!first?.value || !second?.value) return undefined
  const [ofArgs, ofResult] = [decodeRecord(first.value), decodeRecord(second.value)]
  return { args: partsOf(ofArgs).args, result: argsOnly ? undefined : partsOf(ofResult).result }
}

/** Of a record that is no seal the payload is one of the two: which one is known to whoever asked for it. */
function partsOf({ record, payload }: Decoded): { args: Payload; result: Payload | undefined } {
  return record.type === 'sealed' ? partsOfSeal(record, payload) : { args: payload, result: payload }
}

function notGivenBack(entry: Entry | undefined): BrokerUnavailableError {
  return new BrokerUnavailableError(`Kafka did not give back the args of the task ${entry?.id}, which it holds`, {
    fix: 'Try again',
  })
}
