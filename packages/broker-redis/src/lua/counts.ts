import { BASE } from './base.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/** Answers: number of QUEUED, RUNNING, DONE, ERROR, CANCELLED, and of those that wait for a delay. */
export const COUNTS: Script = script(
  'counts',
  BASE,
  `
local counts = {}
for code = 1, 5 do
  counts[code] = redis.call('ZCOUNT', P .. 'index', code .. '0000000000000', '(' .. (code + 1) .. '0000000000000')
end
local delayed = 0
for _, queue in ipairs(redis.call('SMEMBERS', P .. 'queues')) do
  delayed = delayed + redis.call('ZCARD', P .. 'delayed:' .. queue)
end
counts[6] = delayed
return counts
`,
)
