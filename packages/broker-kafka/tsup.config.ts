import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

const options: Options = buildOptions({ index: 'src/index.ts' })

export default options
