export { CASE_TIME } from './state/state-case-tasks.ts'
export { STATE_CASES } from './state/state-cases.ts'
export type { StateCase } from './state/state-cases.ts'
