import { parseArgs } from 'node:util'
import { BROKERS } from './subjects.ts'

export interface BenchOptions {
  readonly brokers: readonly string[]
  /** As in `B4`; empty for all. */
  readonly only: readonly string[]
  readonly quick: boolean
  readonly peers: boolean
  readonly json: string | undefined
  readonly repeats: number
}

export const USAGE: string = `npm run bench -- [--broker ${BROKERS.join(',')}] [--only B4] [--quick] [--peers|--no-peers] [--repeats 5] [--json FILE]`

/** Reads the command line; throws an Error with a line for the user. */
export function readOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    allowNegative: true,
    options: {
      broker: { type: 'string', default: BROKERS.join(',') },
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: true },
      repeats: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const brokers = values.broker.split(',').filter((name) => name !== '')
  const unknown = brokers.find((broker) => !BROKERS.includes(broker))
  if (unknown !== undefined)
    throw new Error(`There is no bench for the broker ${unknown}. Known: ${BROKERS.join(', ')}`)
  const repeats = Number(values.repeats ?? (values.quick ? 1 : 5))
  if (!Number.isInteger(repeats) || repeats < 1)
    throw new Error(`--repeats is ${values.repeats}. Give a whole number from 1`)
  const only = values.only?.split(',') ?? []
  return { brokers, only, quick: values.quick, peers: values.peers, json: values.json, repeats }
}
