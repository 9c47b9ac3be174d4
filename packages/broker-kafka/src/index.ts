export type { LogPort } from './port/log-port.ts'
