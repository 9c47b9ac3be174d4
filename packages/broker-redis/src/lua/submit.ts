import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Accepts tasks. Tasks of one kind share a template, so that what they have in common travels once.
 *
 * ARGV: number of templates; of each: what never changes (JSON), name, group, parent or '', queue, limit or '', '' or 'delay runAt',
 * headers or ''; then of each task: number of its template, id, incarnation, args.
 * Answers: a digit a task, 1 created, 0 exists, 2 queue full.
 */
export const SUBMIT: Script = script(
  'submit',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  `
local TEMPLATE, TASK = 8, 4
local stamp = clockText()
local now = tonumber(stamp)
local answers, sets, queues, waiting, templates = {}, {}, {}, {}, {}

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

-- What is added to a set of ids, in the one list of this call.
local function membersOf(key)
  local members = sets[key]
  if not members then
    members = {}
    sets[key] = members
  end
  return members
end

local function add(members, id)
  local n = #members
  members[n + 1], members[n + 2] = stamp, id
end

-- When to start no sooner than, or nil where that is now. The later of both counts.
local function dueAt(due)
  local delay, runAt = string.match(due, '^(%S+) (%S+)$')
  local at = math.max(now + math.ceil(delay), math.ceil(runAt))
  return at > now and string.format('%.0f', at) or nil
end

-- What tasks of one template have in common is worked out once.
local function readTemplate(at)
  local parent, queue, due, headers = ARGV[at + 3], ARGV[at + 4], ARGV[at + 6], ARGV[at + 7]
  local runAt = due ~= '' and dueAt(due) or nil
  queues[queue] = true
  return {
    task = ARGV[at], queue = queue, stream = P .. 'queue:' .. queue, runAt = runAt, limit = tonumber(ARGV[at + 5]),
    headers = headers ~= '' and headers or nil, rest = ' ' .. stamp .. ' 1 0 0 0 - - ' .. (runAt or '-') .. ' -',
    named = membersOf('name:' .. ARGV[at + 1]), grouped = membersOf('group:' .. ARGV[at + 2]),
    children = parent ~= '' and membersOf('parent:' .. parent) or nil
  }
end

local function templateAt(number)
  local template = templates[number]
  if not template then
    template = readTemplate(2 + number * TEMPLATE)
    templates[number] = template
  end
  return template
end

local score = CODE.Q .. stamp

-- The text of a new record is written out: no number is formatted and no table made for it.
local function create(key, template, id, incarnation, args)
  local entry = '-'
  if template.runAt then
    redis.call('ZADD', P .. 'delayed:' .. template.queue, template.runAt, id)
  else
    entry = redis.call('XADD', template.stream, '*', 'id', id)
  end
  local text = '1 Q 0 ' .. incarnation .. ' - ' .. entry .. template.rest
  if template.headers then
    redis.call('HSET', key, 'state', text, 'task', template.task, 'args', args, 'headers', template.headers)
  else
    redis.call('HSET', key, 'state', text, 'task', template.task, 'args', args)
  end
  add(template.named, id)
  add(template.grouped, id)
  if template.children then add(template.children, id) end
  local n = #index
  index[n + 1], index[n + 2] = score, id
  tell(id, 'Q', text, template.task)
end

-- Nearly always all ids are new, which one question for all of them tells.
local first = 2 + tonumber(ARGV[1]) * TEMPLATE
local keys, seen, doubled = {}, {}, false
for at = first, #ARGV, TASK do
  local id = ARGV[at + 1]
  doubled = doubled or seen[id]
  seen[id] = true
  keys[#keys + 1] = P .. 'task:' .. id
end
local allNew = not doubled and redis.call('EXISTS', unpack(keys)) == 0

for number = 1, #keys do
  local at, key = first + (number - 1) * TASK, keys[number]
  local template, incarnation = templateAt(ARGV[at]), ARGV[at + 2]
  local limit, queue = template.limit, template.queue
  local answer = 1
  if not allNew and redis.call('EXISTS', key) == 1 then
    local present = parse(redis.call('HGET', key, 'state') or '')
    if not present or present.incarnation ~= incarnation then answer = 0 end
  elseif limit and waitingIn(queue) >= limit then
    answer = 2
  else
    create(key, template, ARGV[at + 1], incarnation, ARGV[at + 3])
    if limit then waiting[queue] = waiting[queue] + 1 end
  end
  answers[number] = answer
end

for key, members in pairs(sets) do
  if members[1] then redis.call('ZADD', P .. key, unpack(members)) end
end
for queue in pairs(queues) do redis.call('SADD', P .. 'queues', queue) end
flush(now)
return table.concat(answers)
`,
)
