import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Accepts tasks. Tasks of one kind share a template, so that what they have in common travels once.
 *
 * ARGV: number of templates; of each: what never changes (JSON), name, group, parent or '', queue, limit or '';
 * then of each task: number of its template, id, incarnation, args, '' or 'delay runAt', headers or ''.
 * Answers: a digit a task, 1 created, 0 exists, 2 queue full.
 */
export const SUBMIT: Script = script(
  'submit',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  `
local TEMPLATE, TASK = 6, 6
local stamp = clockText()
local now = tonumber(stamp)
local answers, sets, queues, waiting = {}, {}, {}, {}

-- Entries that are done may still lie before the oldest pending one: exactly what lies there is taken off before counting.
local function lengthOf(stream)
  local groups = redis.pcall('XINFO', 'GROUPS', stream)
  if groups.err or not groups[1] then return redis.call('XLEN', stream) end
  local pending = redis.call('XPENDING', stream, 'workers', '-', '+', 1)[1]
  local group, last, count = groups[1], nil, nil
  for i = 1, #group, 2 do
    if group[i] == 'last-delivered-id' then last = group[i + 1] end
    if group[i] == 'pending' then count = group[i + 1] end
  end
  if pending then
    redis.call('XTRIM', stream, 'MINID', pending[1])
  else
    local time, number = string.match(last, '^(%d+)-(%d+)$')
    redis.call('XTRIM', stream, 'MINID', time .. '-' .. string.format('%.0f', number + 1))
  end
  return redis.call('XLEN', stream) - count
end

local function waitingIn(queue)
  if not waiting[queue] then
    waiting[queue] = redis.call('ZCARD', P .. 'delayed:' .. queue) + lengthOf(P .. 'queue:' .. queue) + lengthOf(P .. 'suspects:' .. queue)
  end
  return waiting[queue]
end

local function addTo(key, id)
  local members = sets[key]
  if not members then
    members = {}
    sets[key] = members
  end
  local n = #members
  members[n + 1], members[n + 2] = stamp, id
end

-- When to start no sooner than, or nil where that is now. The later of both counts.
local function dueAt(due)
  local delay, runAt = string.match(due, '^(%S+) (%S+)$')
  local at = math.max(now + math.ceil(delay), math.ceil(runAt))
  return at > now and string.format('%.0f', at) or nil
end

-- The text of a new record is written out: no number is formatted and no table made for it.
local function create(key, template, id, incarnation, args, due, headers)
  local task, parent, queue = ARGV[template], ARGV[template + 3], ARGV[template + 4]
  local runAt = due ~= '' and dueAt(due) or nil
  local entry = '-'
  if runAt then
    redis.call('ZADD', P .. 'delayed:' .. queue, runAt, id)
  else
    entry = redis.call('XADD', P .. 'queue:' .. queue, '*', 'id', id)
  end
  local text = '1 Q 0 ' .. incarnation .. ' - ' .. entry .. ' ' .. stamp .. ' 1 0 0 0 - - ' .. (runAt or '-') .. ' -'
  if headers == '' then
    redis.call('HSET', key, 'state', text, 'task', task, 'args', args)
  else
    redis.call('HSET', key, 'state', text, 'task', task, 'args', args, 'headers', headers)
  end
  local n = #index
  index[n + 1], index[n + 2] = '1' .. stamp, id
  tell(id, 'Q', text, task)
  addTo('name:' .. ARGV[template + 1], id)
  addTo('group:' .. ARGV[template + 2], id)
  if parent ~= '' then addTo('parent:' .. parent, id) end
  queues[queue] = true
end

local count = tonumber(ARGV[1])
for at = 2 + count * TEMPLATE, #ARGV, TASK do
  local template = 2 + ARGV[at] * TEMPLATE
  local id, incarnation, limit = ARGV[at + 1], ARGV[at + 2], ARGV[template + 5]
  local key = P .. 'task:' .. id
  local answer = 1
  if redis.call('EXISTS', key) == 1 then
    local present = parse(redis.call('HGET', key, 'state') or '')
    if not present or present.incarnation ~= incarnation then answer = 0 end
  elseif limit ~= '' and waitingIn(ARGV[template + 4]) >= tonumber(limit) then
    answer = 2
  else
    create(key, template, id, incarnation, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    if limit ~= '' then waiting[ARGV[template + 4]] = waiting[ARGV[template + 4]] + 1 end
  end
  answers[#answers + 1] = answer
end

for key, members in pairs(sets) do redis.call('ZADD', P .. key, unpack(members)) end
for queue in pairs(queues) do redis.call('SADD', P .. 'queues', queue) end
flush(now)
return table.concat(answers)
`,
)
