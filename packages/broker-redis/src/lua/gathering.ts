/**
 * What is written once a call, however many tasks it is about: the index, the events, the list of the finished and the ends of stream
 * entries. The index holds every task by the code of its state, followed by createdAt.
 */
export const GATHERED = `
local index, told, finished, gone, lastTold = {}, {}, {}, {}, nil
`

/**
 * Writes what was gathered. Entries that are done are taken off in two ways. What lies before the oldest pending entry was given out and
 * acknowledged, for a group gives out in order: there the stream is trimmed, node by node, which costs next to nothing. Single
 * entries behind it are deleted one by one, which means a search each. Never trim by length: that takes what nobody has acknowledged.
 */
export const FLUSH = `
  for stream, entries in pairs(gone) do
    redis.call('XACK', stream, 'workers', unpack(entries))
    local pending = redis.pcall('XPENDING', stream, 'workers', '-', '+', '1')
    local oldest = not pending.err and pending[1] and pending[1][1]
    if oldest then
      redis.call('XTRIM', stream, 'MINID', '~', oldest)
      local behind = {}
      for i = 1, #entries do
        -- Ids of one length are ordered as texts; of others the shorter one is taken for the one behind.
        if #entries[i] ~= #oldest or entries[i] > oldest then behind[#behind + 1] = entries[i] end
      end
      entries = behind
    end
    if entries[1] then redis.call('XDEL', stream, unpack(entries)) end
  end
  if index[1] then redis.call('ZADD', P .. 'index', unpack(index)) end
  if finished[1] then redis.call('RPUSH', P .. 'finished', unpack(finished)) end
  -- Not trimmed here: that costs more than all the rest of it. The sweep does it.
  if told[1] then redis.call('XADD', P .. 'events', '*', unpack(told)) end
`

export const GATHERING: string = `
local CODE = { Q = '1', R = '2', D = '3', E = '4', C = '5' }

-- An event: its letter and the record it left; what never changes of the task, unless the event before says the same; its error.
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
${FLUSH}
end
`
