import { TO_CLAIM } from './claiming.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * After an answer was lost: hands out what is pending under this consumer and not held by it. What a lost call claimed keeps its
 * attempt; what the blocking reader was given is claimed now, or goes back when nothing more is wanted.
 *
 * ARGV: consumer, nonce of its claims, most tasks, 1 if it may take a suspect, number of queues; the queues; then the entries it holds.
 * Answers: 1 if there is more, then as `exchange`.
 */
export const RECOVER: Script = script(
  'recover',
  ...TO_CLAIM,
  `
local consumer, claim, max, count = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local mayTakeSuspect = ARGV[4] == '1'
local held, taken, more = {}, 0, 0
local now = clock()
for at = 6 + count, #ARGV do held[ARGV[at]] = true end

local function recoverEntry(queue, stream, entry, fields)
  local id, r, found = recordOf(queue, stream, entry, fields)
  if not id then return end
  local suspect = tonumber(r.crashes) > 0
  if r.state == 'R' and r.claim == claim then
    if taken >= max then
      more = 1
      return
    end
    redis.call('XCLAIM', stream, 'workers', consumer, 0, entry, 'JUSTID')
    deliver(id, found[1], found, r.attempt - 1)
  elseif r.state == 'Q' then
    if taken >= max or (suspect and not mayTakeSuspect) then
      putBack(id, r, queue, stream, entry)
      return
    end
    claimRecord(id, r, found, now, claim)
  else
    return
  end
  taken = taken + 1
  if suspect then mayTakeSuspect = false end
end

for at = 6, 5 + count do
  local queue = ARGV[at]
  for _, kind in ipairs({ 'suspects:', 'queue:' }) do
    local stream = P .. kind .. queue
    local entries = readGroup(stream, consumer, 10000, '0')
    for i = 1, #entries do
      local entry, fields = entries[i][1], entries[i][2]
      if fields and not held[entry] then recoverEntry(queue, stream, entry, fields) end
    end
  end
end
flush(now)
flushForgotten()
answer[1] = tostring(more)
return answer
`,
)
