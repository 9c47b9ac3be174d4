import { TO_CLAIM } from './claiming.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Moves what is due into its queue.
 *
 * ARGV: most tasks a queue; the queues. Answers: milliseconds until the next one is due, 0 if there may be more now, -1 if none waits.
 */
export const PROMOTE: Script = script(
  'promote',
  ...TO_CLAIM,
  `
local limit = tonumber(ARGV[1])
local now = clock()
local wait = -1
for at = 2, #ARGV do
  local queue = ARGV[at]
  if promote(queue, now, limit) == limit then
    wait = 0
  else
    local next = redis.call('ZRANGE', P .. 'delayed:' .. queue, 0, 0, 'WITHSCORES')
    if next[2] then
      local left = math.max(1, math.ceil(next[2] - now))
      if wait < 0 or left < wait then wait = left end
    end
  end
end
return wait
`,
)
