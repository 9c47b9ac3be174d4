import { BASE } from './base.ts'
import { CLAIMING_AND_ALL, DELIVERING } from './claiming.ts'
import { ENDING } from './ending.ts'
import { GATHERING } from './gathering.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Ends deliveries and claims the next ones: what a busy worker sends over and over, so it is one call, and the usual cases, a result
 * and a first start, are written out at length. They say the same as `done` and `claimed` of the state machine; all else goes to
 * these functions, which are made only where they are needed.
 *
 * ARGV: number of deliveries to end; of each: id, head of its record, queue, kind of outcome, result or error, delay, number of retries or ''.
 * Then, to claim: consumer, nonce of its claims, most tasks, 1 to look for due delays, 1 to look for a suspect, number of entries that the blocking
 * reader was given; of each its queue, kind of stream (queue or suspects) and entry; then the queues.
 * Answers: of each delivery to end 1 applied or 0 superseded; of each claimed task id, record, what never changes or '' where it is the
 * same as the one before, args, headers or '', last error or ''; why claiming failed, if it did.
 */
export const EXCHANGE: Script = script(
  'exchange',
  BASE,
  GATHERING,
  DELIVERING,
  `
local now = clock()
local stamp = string.format('%.0f', now)
local match, sub = string.match, string.sub
local made

-- The whole of the rules, for what is not the usual case.
local function rules()
  if made then return made end
`,
  ...CLAIMING_AND_ALL,
  ENDING,
  `
  made = {
    parse = parse, finishAttempt = finishAttempt, recordOf = recordOf, claimEntry = claimEntry, putBack = putBack,
    promote = promote, readGroup = readGroup, flushForgotten = flushForgotten
  }
  return made
end

local function settleOne(at)
  local id, head, queue, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local key = P .. 'task:' .. id
  local found = redis.call('HMGET', key, 'state', 'task')
  local text = found[1]
  if not text or not found[2] or sub(text, 1, #head) ~= head then return 0 end
  local createdAt, version, counts, startedAt
  if kind == 'done' then createdAt, version, counts, startedAt = match(text, '^(%d+) (%d+) (%d+ %d+) %S+ (%d+) ', #head + 1) end
  if not createdAt then
    local r = rules().parse(text)
    if not r then return 0 end
    made.finishAttempt(id, r, found[2], queue, now, kind, ARGV[at + 4], ARGV[at + 5], ARGV[at + 6])
    return 1
  end
  local entry = match(head, '(%S+) $')
  takeOff(P .. (sub(counts, -2) == ' 0' and 'queue:' or 'suspects:') .. queue, entry)
  version = version + 1
  text = '1 D ' .. sub(head, 5, -#entry - 2) .. '- ' .. createdAt .. ' ' .. version .. ' ' .. counts .. ' 1 ' .. startedAt .. ' ' .. stamp .. ' - -'
  redis.call('HSET', key, 'state', text, 'result', ARGV[at + 4])
  local n = #index
  index[n + 1], index[n + 2] = '3' .. createdAt, id
  finished[#finished + 1] = version .. ' ' .. id
  tell(id, 'D', text, found[2])
  return 1
end

local answers = {}
local settlements = tonumber(ARGV[1])
for n = 1, settlements do answers[n] = settleOne(n * 7 - 5) end

local first = 2 + settlements * 7
local consumer, claim, max, mayTakeSuspect, taken = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 2]), ARGV[first + 4] == '1', 0

local function takeEntry(queue, stream, entry, fields)
  local id = fields[1] == 'id' and fields[2]
  local found = id and redis.call('HMGET', P .. 'task:' .. id, 'state', 'task', 'args', 'headers')
  local attempt, incarnation, named, createdAt, version, counts
  if found and found[1] and found[2] and found[3] then
    attempt, incarnation, named, createdAt, version, counts =
      match(found[1], '^1 Q (%d+) (%S+) %S+ (%S+) (%d+) (%d+) (%d+ %d+) ')
  end
  if named ~= entry then
    local r = rules().claimEntry(queue, stream, entry, fields, now, claim)
    if not r then return end
    counts = r.failures .. ' ' .. r.crashes
  else
    local text = '1 R ' .. (attempt + 1) .. ' ' .. incarnation .. ' ' .. claim .. ' ' .. entry .. ' ' .. createdAt .. ' ' .. (version + 1) .. ' '
      .. counts .. ' 0 ' .. stamp .. ' - - -'
    redis.call('HSET', P .. 'task:' .. id, 'state', text)
    local n = #index
    index[n + 1], index[n + 2] = '2' .. createdAt, id
    tell(id, 'S', text, found[2])
    deliver(id, text, found, attempt)
  end
  taken = taken + 1
  if sub(counts, -2) ~= ' 0' then mayTakeSuspect = false end
end

-- One read suffices unless some of what it gave was no task that waits.
local function takeFrom(queue, stream, most)
  for _ = 1, 5 do
    if most <= 0 then return end
    local before = taken
    local reply = redis.pcall('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', most, 'STREAMS', stream, '>')
    local entries = reply and (reply.err and rules().readGroup(stream, consumer, most, '>') or reply[1][2]) or {}
    for i = 1, #entries do takeEntry(queue, stream, entries[i][1], entries[i][2]) end
    if #entries < most then return end
    most = most - (taken - before)
  end
end

local function takeGiven(queue, kind, entry)
  local stream = P .. kind .. ':' .. queue
  local found = redis.call('XRANGE', stream, entry, entry)[1]
  if not found then return end
  if taken < max and (kind == 'queue' or mayTakeSuspect) then return takeEntry(queue, stream, entry, found[2]) end
  local id, r = rules().recordOf(queue, stream, entry, found[2])
  if id and r.state == 'Q' then made.putBack(id, r, queue, stream, entry) end
end

local function takeAll()
  local looks, given = ARGV[first + 3] == '1', tonumber(ARGV[first + 5])
  local queues = first + 6 + given * 3
  for at = first + 6, queues - 1, 3 do takeGiven(ARGV[at], ARGV[at + 1], ARGV[at + 2]) end
  for at = queues, #ARGV do
    local queue = ARGV[at]
    if looks and redis.call('ZRANGEBYSCORE', P .. 'delayed:' .. queue, '-inf', stamp, 'LIMIT', 0, 1)[1] then
      rules().promote(queue, now, math.max(max, 100))
    end
    if taken < max and mayTakeSuspect and redis.call('XLEN', P .. 'suspects:' .. queue) > 0 then
      takeFrom(queue, P .. 'suspects:' .. queue, 1)
    end
    takeFrom(queue, P .. 'queue:' .. queue, max - taken)
  end
end

-- What was ended above is finished here, whatever becomes of the claims.
local ok, failure = true, nil
if consumer then ok, failure = pcall(takeAll) end
flush(now)
if made then made.flushForgotten() end
if ok then return { answers, deliveries } end
return { answers, deliveries, type(failure) == 'table' and failure.err or tostring(failure) }
`,
)
