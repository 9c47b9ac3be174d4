import { CLAIMING } from './claiming.ts'
import { FORGETTING } from './forgetting.ts'
import { GROUPS } from './groups.ts'
import { PARKING } from './parking.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/** What every script needs that claims tasks. */
export const TO_CLAIM: readonly string[] = [RECORD, STATE, WRITING, FORGETTING, PARKING, GROUPS, CLAIMING]

/**
 * Claims due tasks: first those that the blocking reader was given, then what waits, in the order of the queues.
 *
 * ARGV: consumer, nonce of its claims, most tasks, 1 if it may take a suspect, number of given entries;
 * of each of them: its queue, kind of stream (queue or suspects), entry; then the queues.
 * Answers: of each delivery id, record, what never changes, args, headers or '', last error or ''.
 */
export const TAKE: Script = script(
  'take',
  ...TO_CLAIM,
  `
local consumer, claim, max, given = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local mayTakeSuspect = ARGV[4] == '1'
local taken = 0
local now = clock()

local function takeEntry(queue, stream, entry, fields)
  local r = claimEntry(queue, stream, entry, fields, now, claim)
  if not r then return end
  taken = taken + 1
  if tonumber(r.crashes) > 0 then mayTakeSuspect = false end
end

-- One read suffices unless some of what it gave was no task that waits.
local function takeFrom(queue, stream, most)
  for _ = 1, 5 do
    if most <= 0 then return end
    local before = taken
    local entries = readGroup(stream, consumer, most, '>')
    for i = 1, #entries do takeEntry(queue, stream, entries[i][1], entries[i][2]) end
    if #entries < most then return end
    most = most - (taken - before)
  end
end

for at = 6, 5 + given * 3, 3 do
  local queue, kind, entry = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local stream = P .. kind .. ':' .. queue
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  if found and (taken >= max or (kind == 'suspects' and not mayTakeSuspect)) then
    local id, r = recordOf(queue, stream, entry, found[2])
    if id and r.state == 'Q' then putBack(id, r, queue, stream, entry) end
  elseif found then
    takeEntry(queue, stream, entry, found[2])
  end
end

for at = 6 + given * 3, #ARGV do
  local queue = ARGV[at]
  promote(queue, now, math.max(max, 100))
  if taken < max and mayTakeSuspect and redis.call('XLEN', P .. 'suspects:' .. queue) > 0 then
    takeFrom(queue, P .. 'suspects:' .. queue, 1)
  end
  takeFrom(queue, P .. 'queue:' .. queue, max - taken)
end
flush(now)
flushForgotten()
return deliveries
`,
)
