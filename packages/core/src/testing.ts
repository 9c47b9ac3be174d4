export { CASE_TIME } from './state-case-tasks.ts'
export { STATE_CASES } from './state-cases.ts'
export type { StateCase } from './state-cases.ts'
