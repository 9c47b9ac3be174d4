import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

// Two programs of their own: the watchdog runs beside the process whose children it guards; the child program is a worker or a
// submitter that cases kill.
const options: Options = buildOptions({
  index: 'src/index.ts',
  vitest: 'src/vitest.ts',
  watchdog: 'src/faults/watchdog.ts',
  'child-program': 'src/children/child-program.ts',
  conformance: 'bin/conformance.ts',
})

export default options
