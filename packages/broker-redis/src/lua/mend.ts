import { FORGETTING } from './forgetting.ts'
import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/**
 * The slow pass that puts back what waits or runs and has lost its place: somebody deleted a stream or a set of delays, by hand or with
 * an old backup. Looks at a bounded number of tasks from a position on.
 *
 * ARGV: 1 for those that wait or 2 for those that run, rank to begin at, most tasks. Answers: the next rank, or 0 at the end.
 */
export const MEND: Script = script(
  'mend',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  STATE,
  WRITING,
  FORGETTING,
  `
local code, from, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = clock()
local low, high = code .. '0000000000000', '(' .. (code + 1) .. '0000000000000'
local ids = redis.call('ZRANGEBYSCORE', P .. 'index', low, high, 'LIMIT', from, most)

local function isInPlace(id, r, queue)
  if r.entry == '-' then return redis.call('ZSCORE', P .. 'delayed:' .. queue, id) end
  return redis.call('XRANGE', streamOf(r, queue), r.entry, r.entry)[1]
end

local function mend(id, r, task, queue)
  if r.state == 'R' then
    write(id, r, task, released(r, now))
  end
  if r.state ~= 'Q' then return end
  place(id, r, queue, now)
  redis.call('HSET', P .. 'task:' .. id, 'state', format(r))
end

for i = 1, #ids do
  local id = ids[i]
  local found = redis.call('HMGET', P .. 'task:' .. id, 'state', 'task')
  local r = found[1] and parse(found[1])
  local definition = r and found[2] and definitionOf(found[2])
  if not found[1] and not found[2] then
    forget(id, nil)
  elseif definition and not isInPlace(id, r, definition.queue) then
    mend(id, r, found[2], definition.queue)
  end
end
flush(now)
flushForgotten()
return #ids == most and from + most or 0
`,
)
