/**
 * What cannot be decoded goes into the stream `parked`, with where it came from: `entry` is an entry of a queue that is no task of
 * ours, `record` a task's hash. The fields of both follow as they were, so that they can be put back.
 */
export const PARKING = `
local function park(source, kind, id, reason, fields)
  -- What reading it back gives: one field as its value, more of them as lines of \`name=value\`.
  local size = #fields == 2 and #fields[2] or 0
  if #fields ~= 2 then
    for i = 1, #fields do size = size + #fields[i] + 1 end
  end
  redis.call('XADD', P .. 'parked', '*', 'source', source, 'kind', kind, 'id', id, 'reason', reason, 'size', size, unpack(fields))
end

local function reasonOf(text)
  local version = text and string.match(text, '^(%d+) ')
  if version and tonumber(version) > 1 then return 'written by a newer version of this package (format ' .. version .. ')' end
  return 'its record cannot be decoded'
end

-- There is no such task any more; its id is free.
local function parkRecord(source, id, reason)
  local fields = redis.call('HGETALL', P .. 'task:' .. id)
  local task
  for i = 1, #fields, 2 do
    if fields[i] == 'task' then task = fields[i + 1] end
  end
  park(source, 'record', id, reason, fields)
  forget(id, task)
end
`
