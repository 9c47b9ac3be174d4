/**
 * What a change writes. A task's own hash is written at once; the indexes, the events and the ends of stream entries are gathered
 * and written once a call, however many tasks it was about.
 */
export const WRITING = `
local CODE = { Q = '1', R = '2', D = '3', E = '4', C = '5' }
local EVENTS_KEPT = 5000
local ERRORS_KEPT = 20
local index, told, finished, gone = {}, {}, {}, {}

-- An event: its letter, the record it left, what never changes of the task, and its error, a line each.
local function tell(id, letter, text, task, failure)
  told[#told + 1] = id
  told[#told + 1] = letter .. text .. '\\n' .. task .. (failure and '\\n' .. failure or '')
end

local function write(id, r, task, letter, failure, ...)
  local text = format(r)
  redis.call('HSET', P .. 'task:' .. id, 'state', text, ...)
  index[#index + 1] = CODE[r.state] .. r.createdAt
  index[#index + 1] = id
  if isFinal(r) then finished[#finished + 1] = r.version .. ' ' .. id end
  tell(id, letter, text, task, failure)
  return text
end

local function keepError(id, r, now, failure)
  local key = P .. 'errors:' .. id
  local kept = redis.call('RPUSH', key, '{"attempt":' .. r.attempt .. ',"at":' .. now .. ',"error":' .. failure .. '}')
  if kept > ERRORS_KEPT then redis.call('LTRIM', key, -ERRORS_KEPT, -1) end
end

local function takeOff(stream, entry)
  local entries = gone[stream]
  if not entries then
    entries = {}
    gone[stream] = entries
  end
  entries[#entries + 1] = entry
end

-- Puts a QUEUED task where it waits. Its record is to be written after that.
local function place(id, r, queue, now)
  if r.runAt ~= '-' and tonumber(r.runAt) > now then
    redis.call('ZADD', P .. 'delayed:' .. queue, r.runAt, id)
    r.entry = '-'
  else
    r.entry = redis.call('XADD', streamOf(r, queue), '*', 'id', id)
  end
end

local function flush(now)
  for stream, entries in pairs(gone) do
    redis.call('XACK', stream, 'workers', unpack(entries))
    redis.call('XDEL', stream, unpack(entries))
  end
  if index[1] then redis.call('ZADD', P .. 'index', unpack(index)) end
  if finished[1] then redis.call('RPUSH', P .. 'finished', unpack(finished)) end
  if told[1] then redis.call('XADD', P .. 'events', 'MINID', '~', now - EVENTS_KEPT, '*', unpack(told)) end
end
`
