import { BASE } from './base.ts'
import { FORGETTING } from './forgetting.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { GROUPS } from './groups.ts'
import { PARKING } from './parking.ts'
import { RECORD } from './record.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/**
 * What a claiming script answers: a line of its own, then six values a delivery: id, record, what never changes of the task or '' where
 * the one before says the same, args, headers or '', last error or ''. All in one list, because each list within a list costs the
 * server a block of memory.
 */
export const DELIVERED = `
local answer, delivered, lastKind = {}, 1, nil
`

export const DELIVERING = `
-- What was found is state, task, args and headers; attempts are those before this one.
local function deliver(id, text, found, attempts)
  local previous = tonumber(attempts) > 0 and redis.call('LINDEX', P .. 'errors:' .. id, -1)
  local d, kind = delivered, found[2]
  answer[d + 1], answer[d + 2], answer[d + 3] = id, text, kind == lastKind and '' or kind
  answer[d + 4], answer[d + 5], answer[d + 6] = found[3], found[4] or '', previous or ''
  delivered, lastKind = d + 6, kind
end
`

/** Turns entries of the streams into deliveries, and takes those off that are none. */
export const CLAIMING = `
-- The record behind an entry, or nil where there is none to go on with: then the entry is parked, or taken off.
local function recordOf(queue, stream, entry, fields)
  local id = fields[1] == 'id' and fields[2]
  if not id then
    park(queue, 'entry', entry, 'not a task of this broker', fields)
    takeOff(stream, entry)
    return nil
  end
  local found = redis.call('HMGET', P .. 'task:' .. id, 'state', 'task', 'args', 'headers')
  if not found[1] and not found[2] then
    park(queue, 'entry', entry, 'there is no record of this task', fields)
    takeOff(stream, entry)
    return nil
  end
  local r = found[1] and found[2] and found[3] and parse(found[1])
  if not r then
    parkRecord(queue, id, reasonOf(found[1]))
    takeOff(stream, entry)
    return nil
  end
  -- Finished, cancelled, or queued anew meanwhile: this entry means nothing any more.
  if r.entry ~= entry then
    takeOff(stream, entry)
    return nil
  end
  return id, r, found
end

local function claimRecord(id, r, found, now, claim)
  local attempt = r.attempt
  local letter = claimed(r, now, claim)
  deliver(id, write(id, r, found[2], letter), found, attempt)
end

-- Claims an entry that this consumer was given. A RUNNING one was given out twice by a group that was made anew: it stays pending,
-- so that the holder's next renewal takes it back or its lease runs out.
local function claimEntry(queue, stream, entry, fields, now, claim)
  local id, r, found = recordOf(queue, stream, entry, fields)
  if not id or r.state ~= 'Q' then return nil end
  claimRecord(id, r, found, now, claim)
  return r
end

-- Gives back an entry that was read and is not to be claimed here. That is no attempt and no change of the task.
local function putBack(id, r, queue, stream, entry)
  takeOff(stream, entry)
  r.entry = redis.call('XADD', stream, '*', 'id', id)
  redis.call('HSET', P .. 'task:' .. id, 'state', format(r))
end

-- Moves what is due from its delay into its queue.
local function promote(queue, now, limit)
  local key = P .. 'delayed:' .. queue
  local due = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, limit)
  if not due[1] then return 0 end
  for i = 1, #due do
    local id = due[i]
    local text = redis.call('HGET', P .. 'task:' .. id, 'state')
    local r = text and parse(text)
    if r and r.state == 'Q' and r.entry == '-' then
      r.entry = redis.call('XADD', streamOf(r, queue), '*', 'id', id)
      redis.call('HSET', P .. 'task:' .. id, 'state', format(r))
    elseif text and not r then
      redis.call('XADD', P .. 'queue:' .. queue, '*', 'id', id)
    end
  end
  redis.call('ZREM', key, unpack(due))
  return #due
end
`

/** Everything that a script needs that claims tasks, below its own tables. */
export const RULES: readonly string[] = [
  GATHERING,
  DELIVERING,
  RECORD,
  STATE,
  WRITING,
  FORGETTING,
  PARKING,
  GROUPS,
  CLAIMING,
]

/** What a script begins with that claims tasks. */
export const TO_CLAIM: readonly string[] = [BASE, GATHERED, DELIVERED, ...RULES]
