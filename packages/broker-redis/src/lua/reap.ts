import { TO_CLAIM } from './claiming.ts'
import { ENDING } from './ending.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Ends leases that have run out. A consumer's name begins with its lease, so a reaper can tell how long another one's lasts. The marker
 * spares the server as many looks as there are workers; it expires by itself, whoever dies.
 *
 * ARGV: queue, milliseconds until the next look or '' to look in any case, most entries, idle time after which a consumer without
 * entries is removed. Answers: number of leases ended, or -1 where another one has just looked.
 */
export const REAP: Script = script(
  'reap',
  ...TO_CLAIM,
  ENDING,
  `
local queue, interval, limit, forgetAfter = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local now = clock()
local reaped = 0
if interval ~= '' and not redis.call('SET', P .. 'reaped:' .. queue, now, 'NX', 'PX', interval) then return -1 end

local function leaseOf(consumer)
  return tonumber(string.match(consumer, '^(%d+):') or 0)
end

local function value(flat, name)
  for i = 1, #flat, 2 do
    if flat[i] == name then return flat[i + 1] end
  end
end

-- The shortest lease that somebody here has. Consumers that are long gone and hold nothing are removed on the way.
local function shortestLease(stream)
  local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, 'workers')
  if consumers.err then return nil end
  local shortest
  for i = 1, #consumers do
    local name, pending, idle = value(consumers[i], 'name'), value(consumers[i], 'pending'), value(consumers[i], 'idle')
    if pending > 0 then
      local lease = leaseOf(name)
      if not shortest or lease < shortest then shortest = lease end
    elseif idle > forgetAfter then
      redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', name)
    end
  end
  return shortest
end

local function reapEntry(stream, entry)
  local entries = redis.call('XRANGE', stream, entry, entry)
  if not entries[1] then
    redis.call('XACK', stream, 'workers', entry)
    return
  end
  local id, r, found = recordOf(queue, stream, entry, entries[1][2])
  if not id then return end
  if r.state == 'R' then
    finishAttempt(id, r, found[2], queue, now, 'lost')
  elseif r.state == 'Q' then
    putBack(id, r, queue, stream, entry)
  end
end

for _, kind in ipairs({ 'suspects:', 'queue:' }) do
  local stream = P .. kind .. queue
  local shortest = shortestLease(stream)
  local from = '-'
  while shortest and reaped < limit do
    local pending = redis.call('XPENDING', stream, 'workers', 'IDLE', shortest, from, '+', 100)
    for i = 1, #pending do
      local entry, consumer, idle = pending[i][1], pending[i][2], pending[i][3]
      if idle >= leaseOf(consumer) then
        reapEntry(stream, entry)
        reaped = reaped + 1
      end
      from = '(' .. entry
    end
    if #pending < 100 then break end
  end
end
flush(now)
flushForgotten()
return reaped
`,
)
