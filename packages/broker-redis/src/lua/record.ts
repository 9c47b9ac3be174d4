/**
 * The part of a task that changes is one text, so that a change is one read and one write:
 *
 *   1 STATE attempt incarnation claim entry createdAt version failures crashes progress startedAt completedAt runAt cancel
 *
 * `1` is the version of this format. STATE is one of Q R D E C. `claim` is the nonce of the consumer that claimed it, `entry` the id of
 * its entry in the stream it waits or runs in. What is absent is `-`. `cancel` is c, or r for one that requeues.
 * The text up to `entry` is the head: a worker that shows the head of a RUNNING task holds its current attempt.
 */
export const RECORD = `
local PATTERN = '^1 ([QRDEC]) (%d+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+) (%d+) (%S+) (%S+) (%S+) (%S+) (%S+)$'

local function parse(text)
  local state, attempt, incarnation, claim, entry, createdAt, version, failures, crashes, progress, startedAt, completedAt, runAt, cancel =
    string.match(text, PATTERN)
  if not state then return nil end
  return {
    state = state, attempt = attempt, incarnation = incarnation, claim = claim, entry = entry, createdAt = createdAt,
    version = version, failures = failures, crashes = crashes, progress = progress, startedAt = startedAt,
    completedAt = completedAt, runAt = runAt, cancel = cancel
  }
end

local function format(r)
  return '1 ' .. r.state .. ' ' .. r.attempt .. ' ' .. r.incarnation .. ' ' .. r.claim .. ' ' .. r.entry .. ' ' .. r.createdAt .. ' '
    .. r.version .. ' ' .. r.failures .. ' ' .. r.crashes .. ' ' .. r.progress .. ' ' .. r.startedAt .. ' ' .. r.completedAt .. ' '
    .. r.runAt .. ' ' .. r.cancel
end

local function isFinal(r)
  return r.state == 'D' or r.state == 'E' or r.state == 'C'
end

local function streamOf(r, queue)
  return P .. (tonumber(r.crashes) > 0 and 'suspects:' or 'queue:') .. queue
end
`
