/** Ends one attempt: the change of its state, its error, its place in a queue, its result, and the end of its stream entry. */
export const ENDING = `
local function maxOf(task, field, given)
  if given ~= '' then return tonumber(given) end
  return cjson.decode(task)[field]
end

local CHANGES = {
  done = function(r, now) return done(r, now) end,
  error = function(r, now, task, failure) return failed(r, now, failure) end,
  retry = function(r, now, task, failure, delay, limit)
    return failed(r, now, failure, now + math.ceil(delay), maxOf(task, 'maxRetries', limit))
  end,
  cancelled = function(r, now) return cancelled(r, now) end,
  released = function(r, now) return released(r, now) end,
  lost = function(r, now, task) return lost(r, now, maxOf(task, 'maxCrashes', '')) end
}

local function finishAttempt(id, r, task, queue, now, kind, payload, delay, limit)
  takeOff(streamOf(r, queue), r.entry)
  local letter, failure = CHANGES[kind](r, now, task, payload, delay, limit)
  if failure then keepError(id, r, now, failure) end
  if r.state == 'Q' then place(id, r, queue, now) end
  if kind == 'done' then
    write(id, r, task, letter, failure, 'result', payload)
  else
    write(id, r, task, letter, failure)
  end
end
`
