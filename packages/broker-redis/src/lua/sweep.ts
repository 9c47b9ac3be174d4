import { FORGETTING } from './forgetting.ts'
import { BASE } from './base.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Lets go of finished tasks past their retention, a bounded number a call. `finished` lists them as they ended, each with the version it
 * ended in: one that was retried or removed since stands there in vain. Events that no live reader needs any more go too.
 *
 * ARGV: milliseconds until the next sweep or '' to sweep in any case, age to keep or '', number to keep or '', most entries to look at,
 * milliseconds to keep events. Answers: 1 if there is more to do, 0 if not, -1 where another one has just swept.
 */
export const SWEEP: Script = script(
  'sweep',
  BASE,
  RECORD,
  FORGETTING,
  `
local interval, age, count, budget, eventsKept = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local now = clock()
-- With its memory full the server refuses the marker, but not what frees memory.
if interval ~= '' and not redis.pcall('SET', P .. 'swept', now, 'NX', 'PX', interval) then return -1 end

local FINISHED = P .. 'finished'
local over = count and redis.call('ZCOUNT', P .. 'index', '30000000000000', '+inf') - count or 0
local entries = redis.call('LRANGE', FINISHED, 0, budget - 1)
local looked = 0
for i = 1, #entries do
  local version, id = string.match(entries[i], '^(%d+) (.*)$')
  local found = id and redis.call('HMGET', P .. 'task:' .. id, 'state', 'task')
  local r = found and found[1] and parse(found[1])
  if r and isFinal(r) and r.version == version then
    local expired = age and tonumber(r.completedAt) + age <= now
    if not expired and over <= 0 then break end
    forget(id, found[2])
    over = over - 1
  end
  looked = i
end
if looked > 0 then redis.call('LTRIM', FINISHED, looked, -1) end
flushForgotten()
redis.call('XTRIM', P .. 'events', 'MINID', now - eventsKept)
return looked == budget and 1 or 0
`,
)
