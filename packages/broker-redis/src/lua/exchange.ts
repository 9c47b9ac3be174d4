import { BASE } from './base.ts'
import { DELIVERED, RULES } from './claiming.ts'
import { ENDING } from './ending.ts'
import { FLUSH, GATHERED } from './gathering.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Ends deliveries and claims the next ones: what a busy worker sends over and over, so it is one call. The usual cases, a first
 * start and the result of one that nothing happened to meanwhile, are written out at length: no function is made for them, no number formatted and
 * no text built that is not needed, for Redis hashes every byte of every string that Lua makes. They say the same as `claimed` and `done`
 * of the state machine. All else goes to the rules that the other scripts share, which are made only where they are needed.
 *
 * ARGV: number of deliveries to end; of each: id, head of its record, queue, kind of outcome, result or error, delay, number of retries or ''.
 * Then, to claim: consumer, nonce of its claims, most tasks, 1 to look for due delays, 1 to look for a suspect, number of entries that the
 * blocking reader was given; of each its queue, kind of stream (queue or suspects) and entry; then the queues.
 *
 * Answers a list. Its first has a digit for each delivery to end, 1 applied and 0 superseded, and behind a space why claiming failed, if it
 * did. Then come six values for each claimed task: see `DELIVERED`.
 */
export const EXCHANGE: Script = script(
  'exchange',
  BASE,
  GATHERED,
  DELIVERED,
  `
local stamp = clockText()
local now = tonumber(stamp)
local match, sub = string.match, string.sub
local consumer, claim, taken, mayTakeSuspect
local made

local function rules()
  if made then return made end
`,
  ...RULES,
  ENDING,
  `
  local function count(r)
    if not r then return end
    taken = taken + 1
    if tonumber(r.crashes) > 0 then mayTakeSuspect = false end
  end

  made = {
    readGroup = readGroup, flushForgotten = flushForgotten,
    promote = function(queue, limit) promote(queue, now, limit) end,
    finish = function(id, text, task, at)
      local r = parse(text)
      if r then finishAttempt(id, r, task, ARGV[at + 2], now, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6]) end
      return r and 1 or 0
    end,
    claim = function(queue, stream, entry, fields) count(claimEntry(queue, stream, entry, fields, now, claim)) end,
    -- What the blocking reader was given and is not wanted any more goes back.
    claimGiven = function(queue, kind, entry, max)
      local stream = P .. kind .. ':' .. queue
      local found = redis.call('XRANGE', stream, entry, entry)[1]
      if not found then return end
      if taken < max and (kind == 'queue' or mayTakeSuspect) then
        count(claimEntry(queue, stream, entry, found[2], now, claim))
      else
        local id, r = recordOf(queue, stream, entry, found[2])
        if id and r.state == 'Q' then putBack(id, r, queue, stream, entry) end
      end
    end
  }
  return made
end

local answers = {}
local settlements = tonumber(ARGV[1])
local lastQueue, stream
for n = 1, settlements do
  local at = n * 7 - 5
  local id, head = ARGV[at], ARGV[at + 1]
  local key = P .. 'task:' .. id
  local found = redis.call('HMGET', key, 'state', 'task')
  local text, task = found[1], found[2]
  local applied, createdAt, startedAt = 0, nil, nil
  if text and task and sub(text, 1, #head) == head then
    applied = 1
    if ARGV[at + 3] == 'done' then createdAt, startedAt = match(text, '^(%d+) 2 0 0 0 (%d+) ', #head + 1) end
    if not createdAt then applied = rules().finish(id, text, task, at) end
  end
  if createdAt then
    local entry = match(head, '(%S+) $')
    if ARGV[at + 2] ~= lastQueue then
      lastQueue = ARGV[at + 2]
      stream = P .. 'queue:' .. lastQueue
    end
    local entries = gone[stream]
    if entries then entries[#entries + 1] = entry else gone[stream] = { entry } end
    text = '1 D ' .. sub(head, 5, -#entry - 2) .. '- ' .. createdAt .. ' 3 0 0 1 ' .. startedAt .. ' ' .. stamp .. ' - -'
    redis.call('HSET', key, 'state', text, 'result', ARGV[at + 4])
    local i, t = #index, #told
    index[i + 1], index[i + 2] = '3' .. createdAt, id
    told[t + 1], told[t + 2] = id, task == lastTold and 'D' .. text or 'D' .. text .. '\\n' .. task
    lastTold = task
    finished[#finished + 1] = '3 ' .. id
  end
  answers[n] = applied
end

local function take(first)
  local max, looks, given = tonumber(ARGV[first + 2]), ARGV[first + 3] == '1', tonumber(ARGV[first + 5])
  local queues = first + 6 + given * 3
  for at = first + 6, queues - 1, 3 do rules().claimGiven(ARGV[at], ARGV[at + 1], ARGV[at + 2], max) end
  for at = queues, #ARGV do
    local queue = ARGV[at]
    if looks and redis.call('ZRANGEBYSCORE', P .. 'delayed:' .. queue, '-inf', stamp, 'LIMIT', 0, 1)[1] then
      rules().promote(queue, math.max(max, 100))
    end
    -- A suspect, where one may be taken; then the queue. Another read where some of what it gave was no task that waits.
    local step = mayTakeSuspect and redis.call('XLEN', P .. 'suspects:' .. queue) > 0 and 1 or 2
    local reads = 0
    while step <= 2 and taken < max do
      local stream = step == 1 and P .. 'suspects:' .. queue or P .. 'queue:' .. queue
      local most = step == 1 and 1 or max - taken
      local count = most == max and ARGV[first + 2] or most
      local reply = redis.pcall('XREADGROUP', 'GROUP', 'workers', consumer, 'COUNT', count, 'STREAMS', stream, '>')
      local entries = reply and (reply.err and rules().readGroup(stream, consumer, most, '>') or reply[1][2]) or {}
      for i = 1, #entries do
        local entry, fields = entries[i][1], entries[i][2]
        local id = fields[1] == 'id' and fields[2]
        local found = id and redis.call('HMGET', P .. 'task:' .. id, 'state', 'task', 'args', 'headers')
        local incarnation, named, createdAt
        if found and found[1] and found[2] and found[3] then
          incarnation, named, createdAt = match(found[1], '^1 Q 0 (%S+) %- (%S+) (%d+) 1 0 0 ')
        end
        if named == entry then
          local task = found[2]
          local text = '1 R 1 ' .. incarnation .. ' ' .. claim .. ' ' .. entry .. ' ' .. createdAt .. ' 2 0 0 0 ' .. stamp .. ' - - -'
          redis.call('HSET', P .. 'task:' .. id, 'state', text)
          local i, t, d = #index, #told, delivered
          index[i + 1], index[i + 2] = '2' .. createdAt, id
          told[t + 1], told[t + 2] = id, task == lastTold and 'S' .. text or 'S' .. text .. '\\n' .. task
          lastTold = task
          answer[d + 1], answer[d + 2], answer[d + 3] = id, text, task == lastKind and '' or task
          answer[d + 4], answer[d + 5], answer[d + 6] = found[3], found[4] or '', ''
          delivered, lastKind, taken = d + 6, task, taken + 1
        else
          rules().claim(queue, stream, entry, fields)
        end
      end
      reads = reads + 1
      if #entries < most or step == 1 or reads == 5 then step = step + 1 end
    end
  end
end

-- What was ended above is finished, whatever becomes of the claims.
local first = 2 + settlements * 7
local ok, failure = true, nil
if ARGV[first] then
  consumer, claim, taken, mayTakeSuspect = ARGV[first], ARGV[first + 1], 0, ARGV[first + 4] == '1'
  ok, failure = pcall(take, first)
end
`,
  FLUSH,
  `
if made then made.flushForgotten() end
answer[1] = table.concat(answers)
if not ok then answer[1] = answer[1] .. ' ' .. (type(failure) == 'table' and failure.err or tostring(failure)) end
return answer
`,
)
