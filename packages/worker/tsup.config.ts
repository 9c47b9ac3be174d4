import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

const options: Options = buildOptions({
  index: 'src/index.ts',
  // Started by their file: threads, processes and the members of pools.
  'thread-entry': 'src/entries/thread-entry.ts',
  'process-entry': 'src/entries/process-entry.ts',
  'pool-entry': 'src/entries/pool-entry.ts',
  telemetry: 'src/middleware/telemetry.ts',
})

export default options
