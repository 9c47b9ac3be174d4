import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { WRITING } from './writing.ts'

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
  WRITING,
  `
local TEMPLATE, TASK = 6, 6
local now = clock()
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
  members[#members + 1] = now
  members[#members + 1] = id
end

local function create(template, id, incarnation, args, due, headers)
  local task, parent, queue = ARGV[template], ARGV[template + 3], ARGV[template + 4]
  local r = {
    state = 'Q', attempt = 0, incarnation = incarnation, claim = '-', entry = '-', createdAt = now, version = 1, failures = 0,
    crashes = 0, progress = '0', startedAt = '-', completedAt = '-', runAt = '-', cancel = '-'
  }
  if due ~= '' then
    local delay, runAt = string.match(due, '^(%S+) (%S+)$')
    local at = math.max(now + math.ceil(delay), math.ceil(runAt))
    if at > now then r.runAt = at end
  end
  place(id, r, queue, now)
  if headers == '' then
    write(id, r, task, 'Q', nil, 'task', task, 'args', args)
  else
    write(id, r, task, 'Q', nil, 'task', task, 'args', args, 'headers', headers)
  end
  addTo('name:' .. ARGV[template + 1], id)
  addTo('group:' .. ARGV[template + 2], id)
  if parent ~= '' then addTo('parent:' .. parent, id) end
  queues[queue] = true
end

local count = tonumber(ARGV[1])
for at = 2 + count * TEMPLATE, #ARGV, TASK do
  local template = 2 + ARGV[at] * TEMPLATE
  local id, incarnation = ARGV[at + 1], ARGV[at + 2]
  local queue, limit = ARGV[template + 4], ARGV[template + 5]
  local answer = 1
  if redis.call('EXISTS', P .. 'task:' .. id) == 1 then
    local present = parse(redis.call('HGET', P .. 'task:' .. id, 'state') or '')
    if not present or present.incarnation ~= incarnation then answer = 0 end
  elseif limit ~= '' and waitingIn(queue) >= tonumber(limit) then
    answer = 2
  else
    create(template, id, incarnation, ARGV[at + 3], ARGV[at + 4], ARGV[at + 5])
    if limit ~= '' then waiting[queue] = waiting[queue] + 1 end
  end
  answers[#answers + 1] = answer
end

for key, members in pairs(sets) do redis.call('ZADD', P .. key, unpack(members)) end
for queue in pairs(queues) do redis.call('SADD', P .. 'queues', queue) end
flush(now)
return table.concat(answers)
`,
)
