import { FORGETTING } from './forgetting.ts'
import { BASE } from './base.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * A page of tasks, newest first. `index` holds every task by its state's code and createdAt, one range a state; the sets of names,
 * groups and parents hold theirs by createdAt. The smallest of these is read from the cursor on, at most so many members of it, and
 * the rest of the query is a look into the other sets. What is in a set and has no record is taken out of it.
 *
 * ARGV: most tasks, most members to look at, createdAt and id of the cursor or '' and '', codes of the states or '';
 * then the sets the tasks have to be in, as in name:greet.
 * Answers: 1 if there may be more, createdAt and id of the last member looked at; then of each task id, record, what never changes, headers or ''.
 */
export const LIST: Script = script(
  'list',
  BASE,
  RECORD,
  FORGETTING,
  `
local limit, budget, cursorAt, cursorId, states = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local INDEX = P .. 'index'
local STATE_SPAN = 10000000000000
local filters = {}
for at = 6, #ARGV do filters[#filters + 1] = P .. ARGV[at] end

-- Whether a is before b, byte by byte as sets are ordered: comparing strings here would follow the locale.
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end

-- The range of ranks, from the newest on, that lies behind the cursor and has scores from base up to base + span.
local function sourceOf(key, base, span)
  local last = redis.call('ZCOUNT', key, base, '+inf')
  local first = redis.call('ZCOUNT', key, base + span, '+inf')
  if cursorAt ~= '' then
    local score = base + cursorAt
    first = redis.call('ZCOUNT', key, '(' .. string.format('%.0f', score), '+inf')
    local beyond = redis.call('ZCOUNT', key, string.format('%.0f', score), '+inf')
    while first < beyond do
      local middle = math.floor((first + beyond) / 2)
      local id = redis.call('ZREVRANGE', key, middle, middle)[1]
      if before(id, cursorId) then beyond = middle else first = middle + 1 end
    end
  end
  return { key = key, base = base, rank = first, last = last, members = {}, at = 1 }
end

local function peek(source)
  if source.members[source.at] then return true end
  if source.rank >= source.last then return false end
  local stop = math.min(source.rank + 199, source.last - 1)
  source.members = redis.call('ZREVRANGE', source.key, source.rank, stop, 'WITHSCORES')
  source.at = 1
  source.rank = stop + 1
  return source.members[1] ~= nil
end

local function isNewer(a, b)
  local createdA, createdB = a.members[a.at + 1] - a.base, b.members[b.at + 1] - b.base
  if createdA ~= createdB then return createdA > createdB end
  return before(b.members[b.at], a.members[a.at])
end

local function statesAsked()
  local sources, total = {}, 0
  for code = 1, 5 do
    if states == '' or string.find(states, code, 1, true) then
      local source = sourceOf(INDEX, code * STATE_SPAN, STATE_SPAN)
      sources[#sources + 1] = source
      total = total + source.last - source.rank
    end
  end
  return sources, total
end

local function choose()
  local byState, total = statesAsked()
  if not filters[1] then return byState, nil end
  local smallest, size
  for i = 1, #filters do
    local card = redis.call('ZCARD', filters[i])
    if not size or card < size then smallest, size = filters[i], card end
  end
  if states ~= '' and total < size then return byState, nil end
  return { sourceOf(smallest, 0, STATE_SPAN) }, smallest
end

local sources, driver = choose()

local function nextMembers(most)
  local ids, createdAts = {}, {}
  while #ids < most do
    local newest
    for i = 1, #sources do
      local source = sources[i]
      if peek(source) and (not newest or isNewer(source, newest)) then newest = source end
    end
    if not newest then break end
    ids[#ids + 1] = newest.members[newest.at]
    createdAts[#createdAts + 1] = newest.members[newest.at + 1] - newest.base
    newest.at = newest.at + 2
  end
  return ids, createdAts
end

-- Whether a member is in all the sets it is not read from. One that no index knows is a leftover.
local function fits(scores, indexed, i, id)
  if driver and not indexed[i] then
    for f = 1, #filters do forgetPlace(string.sub(filters[f], #P + 1), id) end
    return false
  end
  if driver and states ~= '' and not string.find(states, string.sub(string.format('%.0f', indexed[i]), 1, 1), 1, true) then return false end
  for f = 1, #filters do
    if scores[f] and not scores[f][i] then return false end
  end
  return true
end

local answer, tasks, looked = { 0, cursorAt, cursorId }, 0, 0
local function look(ids, createdAts)
  local scores, indexed = {}, driver and redis.call('ZMSCORE', INDEX, unpack(ids))
  for f = 1, #filters do
    if filters[f] ~= driver then scores[f] = redis.call('ZMSCORE', filters[f], unpack(ids)) end
  end
  for i = 1, #ids do
    if tasks == limit then return false end
    looked = looked + 1
    answer[2], answer[3] = string.format('%.0f', createdAts[i]), ids[i]
    if fits(scores, indexed, i, ids[i]) then
      local found = redis.call('HMGET', P .. 'task:' .. ids[i], 'state', 'task', 'headers')
      if found[1] or found[2] then
        tasks = tasks + 1
        local n = #answer
        answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = ids[i], found[1] or '', found[2] or '', found[3] or ''
      else
        forgetPlace('index', ids[i])
        for f = 1, #filters do forgetPlace(string.sub(filters[f], #P + 1), ids[i]) end
      end
    end
  end
  return true
end

local more = true
while more and looked < budget do
  local ids, createdAts = nextMembers(math.min(200, budget - looked, filters[1] and 200 or math.max(1, limit - tasks)))
  if not ids[1] then break end
  more = look(ids, createdAts)
  if tasks == limit then break end
end
for i = 1, #sources do
  if peek(sources[i]) then answer[1] = 1 end
end
if not more then answer[1] = 1 end
flushForgotten()
return answer
`,
)
