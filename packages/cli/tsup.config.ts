import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

const options: Options = buildOptions({ bin: 'src/bin.ts', index: 'src/index.ts' })

export default options
