import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/**
 * Renews leases and takes progress along: the idle time of a pending entry is its lease, and a claim of it by its own consumer sets
 * that to 0. The server checks no owner, so the head of the record is compared first.
 *
 * ARGV: consumer; of each lease: id, head of its record, queue, progress or ''.
 * Answers: of each 0 lost, 1 held, 2 held and to be cancelled, 3 held and to be cancelled with requeue.
 */
export const RENEW: Script = script(
  'renew',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  STATE,
  WRITING,
  `
local FLAG = { ['-'] = 1, c = 2, r = 3 }
local consumer = ARGV[1]
local answers, streams = {}, {}
local now = clock()

local function renewOne(id, head, queue, progress)
  local key = P .. 'task:' .. id
  local text = redis.call('HGET', key, 'state')
  if not text or string.sub(text, 1, #head) ~= head then return 0 end
  local r = parse(text)
  if not r then return 0 end
  local letter = progressed(r, progress)
  if letter then
    local changed = format(r)
    redis.call('HSET', key, 'state', changed)
    tell(id, letter, changed, redis.call('HGET', key, 'task') or '{}')
  end
  local stream = streamOf(r, queue)
  streams[stream] = streams[stream] or {}
  table.insert(streams[stream], r.entry)
  return FLAG[r.cancel]
end

for at = 2, #ARGV, 4 do
  answers[#answers + 1] = renewOne(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
end
-- Without FORCE: what is pending was always given out in order, which is what trimming relies on.
for stream, entries in pairs(streams) do
  entries[#entries + 1] = 'JUSTID'
  local renewed = redis.pcall('XCLAIM', stream, 'workers', consumer, 0, unpack(entries))
  if renewed.err and not string.find(renewed.err, 'NOGROUP', 1, true) then error(renewed.err) end
end
flush(now)
return answers
`,
)
