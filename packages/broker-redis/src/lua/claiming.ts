import { BASE } from './base.ts'
import { FORGETTING } from './forgetting.ts'
import { GATHERING } from './gathering.ts'
import { GROUPS } from './groups.ts'
import { PARKING } from './parking.ts'
import { RECORD } from './record.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/** Gathers the deliveries that a claiming script answers with: six values each. A kind that is the same as the one before is left out. */
export const DELIVERING = `
local deliveries, delivered, lastKind = {}, 0, nil

-- What was found is state, task, args and headers; attempts are those before this one.
local function deliver(id, text, found, attempts)
  local previous = tonumber(attempts) > 0 and redis.call('LINDEX', P .. 'errors:' .. id, -1)
  local kind = found[2]
  deliveries[delivered + 1], deliveries[delivered + 2] = id, text
  deliveries[delivered + 3] = kind == lastKind and '' or kind
  deliveries[delivered + 4], deliveries[delivered + 5] = found[3], found[4] or ''
  deliveries[delivered + 6] = previous or ''
  delivered, lastKind = delivered + 6, kind
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

/** Everything about claiming besides {@link BASE}, {@link GATHERING} and {@link DELIVERING}. */
export const CLAIMING_AND_ALL: readonly string[] = [RECORD, STATE, WRITING, FORGETTING, PARKING, GROUPS, CLAIMING]

/** What every script needs that claims tasks. */
export const TO_CLAIM: readonly string[] = [BASE, GATHERING, DELIVERING, ...CLAIMING_AND_ALL]
