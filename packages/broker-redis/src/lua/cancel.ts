import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/** ARGV: id, 1 to requeue. Answers with a {@link CancelAnswer}. The broadcast names attempt, life and id, for those who hold it. */
export const CANCEL: Script = script(
  'cancel',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  STATE,
  WRITING,
  `
local id, requeue = ARGV[1], ARGV[2] == '1'
local now = clock()
local found = redis.call('HMGET', P .. 'task:' .. id, 'state', 'task')
local r = found[1] and parse(found[1])
if not r then return 'unknown' end
if r.state == 'C' then return 'cancelled' end
if isFinal(r) then return 'finished' end

local wasQueued, entry = r.state == 'Q', r.entry
local letter = cancelRequested(r, now, requeue)
if not letter then return 'queued' end
if wasQueued then
  local queue = cjson.decode(found[2]).queue
  if entry == '-' then
    redis.call('ZREM', P .. 'delayed:' .. queue, id)
  else
    takeOff(streamOf(r, queue), entry)
  end
else
  redis.call('PUBLISH', P .. 'cancel', r.cancel .. ' ' .. r.attempt .. ' ' .. r.incarnation .. ' ' .. id)
end
write(id, r, found[2], letter)
flush(now)
return wasQueued and 'cancelled' or 'requested'
`,
)
