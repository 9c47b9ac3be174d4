import type { Options } from 'tsup'
import { buildOptions } from '../../tsup.base.ts'

// The App is loaded alone by workers: each task loads its libraries when it runs first. node:sqlite has no name without its prefix.
const options: Options = { ...buildOptions({ index: 'src/index.ts', app: 'src/app.ts' }), removeNodeProtocol: false }

export default options
