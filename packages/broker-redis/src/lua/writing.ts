/** Writes one task at once, and gathers what is written once a call. */
export const WRITING = `
local ERRORS_KEPT = 20

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

-- Puts a QUEUED task where it waits. Its record is to be written after that.
local function place(id, r, queue, now)
  if r.runAt ~= '-' and tonumber(r.runAt) > now then
    redis.call('ZADD', P .. 'delayed:' .. queue, r.runAt, id)
    r.entry = '-'
  else
    r.entry = redis.call('XADD', streamOf(r, queue), '*', 'id', id)
  end
end
`
