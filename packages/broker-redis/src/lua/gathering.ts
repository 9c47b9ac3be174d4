/**
 * What is written once a call, however many tasks it is about: the index, the events, the list of the finished and the ends of stream
 * entries. The index holds every task by the code of its state, followed by createdAt.
 */
export const GATHERING = `
local CODE = { Q = '1', R = '2', D = '3', E = '4', C = '5' }
local EVENTS_KEPT = 5000
local index, told, finished, gone, lastTold = {}, {}, {}, {}, nil

-- An event: its letter and the record it left; what never changes of the task, where the event before says something else; its error.
local function tell(id, letter, text, task, failure)
  local n = #told
  told[n + 1] = id
  if failure then
    told[n + 2] = letter .. text .. '\\n' .. task .. '\\n' .. failure
  elseif task == lastTold then
    told[n + 2] = letter .. text
  else
    told[n + 2] = letter .. text .. '\\n' .. task
  end
  lastTold = task
end

local function takeOff(stream, entry)
  local entries = gone[stream]
  if not entries then
    entries = {}
    gone[stream] = entries
  end
  entries[#entries + 1] = entry
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
