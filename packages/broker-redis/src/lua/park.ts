import { TO_CLAIM } from './claiming.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Parks a record that a reader could not decode, if it still is what it read. Its entry in a queue goes with it.
 *
 * ARGV: id, record as it was read, reason. Answers: 1 if it was parked.
 */
export const PARK: Script = script(
  'park',
  ...TO_CLAIM,
  `
local id, text, reason = ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('HMGET', P .. 'task:' .. id, 'state', 'task')
if (found[1] or '') ~= text then return 0 end
local r = found[1] and parse(found[1])
local definition = found[2] and definitionOf(found[2])
local queue = definition and definition.queue
if r and queue and r.entry ~= '-' then takeOff(streamOf(r, queue), r.entry) end
parkRecord(queue or 'tasks', id, r and reason or reasonOf(found[1]))
flush(clock())
flushForgotten()
return 1
`,
)

/**
 * Puts a parked item back. A record comes back only where its id is still free.
 *
 * ARGV: id of the item. Answers: 1 if it was put back.
 */
export const REPLAY: Script = script(
  'replay',
  ...TO_CLAIM,
  `
local item = redis.call('XRANGE', P .. 'parked', ARGV[1], ARGV[1])[1]
if not item then return 0 end
local fields = item[2]
local source, kind, id = fields[2], fields[4], fields[6]
local LETTER = { Q = 'Q', D = 'D', E = 'E', C = 'X' }
local rest = {}
for i = 11, #fields do rest[#rest + 1] = fields[i] end

local function replayRecord()
  local key = P .. 'task:' .. id
  if redis.call('EXISTS', key) == 1 then return false end
  redis.call('HSET', key, unpack(rest))
  local found = redis.call('HMGET', key, 'state', 'task')
  local r = found[1] and parse(found[1])
  local definition = found[2] and definitionOf(found[2])
  if not r or not definition or not definition.queue then
    if source ~= 'tasks' then redis.call('XADD', P .. 'queue:' .. source, '*', 'id', id) end
    return true
  end
  if r.state == 'R' then released(r, clock()) end
  if r.state == 'Q' then place(id, r, definition.queue, clock()) end
  write(id, r, found[2], LETTER[r.state])
  for _, set in ipairs({ 'name', 'group' }) do
    redis.call('ZADD', P .. set .. ':' .. definition[set], r.createdAt, id)
  end
  if definition.parentId then redis.call('ZADD', P .. 'parent:' .. definition.parentId, r.createdAt, id) end
  return true
end

if kind == 'entry' then
  redis.call('XADD', P .. 'queue:' .. source, '*', unpack(rest))
elseif not replayRecord() then
  return 0
end
redis.call('XDEL', P .. 'parked', ARGV[1])
flush(clock())
return 1
`,
)
