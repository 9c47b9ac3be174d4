import { TO_CLAIM } from './claiming.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/**
 * Gives back what the blocking reader was given and nobody claimed. With 1 the consumer leaves as well, unless it still holds
 * something: the server would drop the pending entries of a consumer that is deleted.
 *
 * ARGV: consumer, 1 to leave; the queues.
 */
export const LEAVE: Script = script(
  'leave',
  ...TO_CLAIM,
  `
local consumer, leaves = ARGV[1], ARGV[2] == '1'

local function handBack(queue, stream)
  local entries = readGroup(stream, consumer, 10000, '0')
  for i = 1, #entries do
    local entry, fields = entries[i][1], entries[i][2]
    local id, r
    if fields then id, r = recordOf(queue, stream, entry, fields) end
    if id and r.state == 'Q' then putBack(id, r, queue, stream, entry) end
  end
end

for at = 3, #ARGV do
  local queue = ARGV[at]
  handBack(queue, P .. 'suspects:' .. queue)
  handBack(queue, P .. 'queue:' .. queue)
end
flush(clock())
flushForgotten()
if not leaves then return 'OK' end
for at = 3, #ARGV do
  for _, kind in ipairs({ 'suspects:', 'queue:' }) do
    local stream = P .. kind .. ARGV[at]
    if not redis.call('XPENDING', stream, 'workers', '-', '+', 1, consumer)[1] then
      redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', consumer)
    end
  end
end
return 'OK'
`,
)
