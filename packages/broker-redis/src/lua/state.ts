/**
 * The state machine of core, `apply`, in Lua. Each function changes a record in place and answers with the letter of the event that
 * tells of it, and the error where there is one: Q queued, S started, P progress, E error, D result, C cancel, X cancelled.
 * Who calls has seen to it that the change speaks for the current attempt.
 */
export const STATE = `
local function queued(r)
  r.state, r.progress, r.claim, r.entry = 'Q', '0', '-', '-'
  r.startedAt, r.completedAt, r.runAt, r.cancel = '-', '-', '-', '-'
  r.version = r.version + 1
end

local function ended(r, state, now)
  r.state, r.completedAt, r.entry, r.runAt, r.cancel = state, now, '-', '-', '-'
  r.version = r.version + 1
end

local function claimed(r, now, claim)
  r.state, r.progress, r.startedAt, r.runAt, r.claim = 'R', '0', now, '-', claim
  r.attempt, r.version = r.attempt + 1, r.version + 1
  return 'S'
end

local function progressed(r, progress)
  -- Asked the other way round, a NaN would pass.
  if progress == '' or not (tonumber(progress) > tonumber(r.progress)) then return nil end
  r.progress, r.version = progress, r.version + 1
  return 'P'
end

local function done(r, now)
  ended(r, 'D', now)
  r.progress = '1'
  return 'D'
end

local function cancelled(r, now)
  if r.cancel == 'r' then queued(r) else ended(r, 'C', now) end
  return 'X'
end

local function failed(r, now, failure, retryAt, limit)
  if r.cancel ~= '-' then return cancelled(r, now) end
  local failures = r.failures + 1
  if retryAt and failures <= limit then
    queued(r)
    r.runAt = retryAt
  else
    ended(r, 'E', now)
  end
  r.failures = failures
  return 'E', failure
end

local function released(r, now)
  if r.cancel ~= '-' then return cancelled(r, now) end
  queued(r)
  return 'Q'
end

local function workerLost(r, maxCrashes)
  return '{"name":"WorkerLost","message":"The worker that ran attempt ' .. r.attempt .. ' was lost (crash ' .. r.crashes .. ' of '
    .. maxCrashes .. ')","stacktrace":[]}'
end

local function lost(r, now, maxCrashes)
  if r.cancel ~= '-' then return cancelled(r, now) end
  r.crashes = r.crashes + 1
  if r.crashes < maxCrashes then queued(r) else ended(r, 'E', now) end
  return 'E', workerLost(r, maxCrashes)
end

local function cancelRequested(r, now, requeue)
  if r.state == 'Q' then
    if requeue then return nil end
    ended(r, 'C', now)
    return 'X'
  end
  r.cancel, r.version = requeue and 'r' or 'c', r.version + 1
  return 'C'
end

local function retried(r)
  queued(r)
  r.failures, r.crashes = 0, 0
  return 'Q'
end
`
