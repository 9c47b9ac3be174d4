import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

// The watchdog is a program of its own: it runs beside the process whose children it guards.
const options: Options = buildOptions({ index: 'src/index.ts', watchdog: 'src/faults/watchdog.ts' })

export default options
