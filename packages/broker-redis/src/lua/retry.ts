import { BASE } from './base.ts'
import { GATHERED, GATHERING } from './gathering.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'
import { STATE } from './state.ts'
import { WRITING } from './writing.ts'

/** ARGV: id, nonce. Answers with a {@link RetryAnswer}. */
export const RETRY: Script = script(
  'retry',
  BASE,
  GATHERED,
  GATHERING,
  RECORD,
  STATE,
  WRITING,
  `
local id, nonce = ARGV[1], ARGV[2]
local key = P .. 'task:' .. id
local found = redis.call('HMGET', key, 'state', 'task', 'retry')
local r = found[1] and parse(found[1])
if not r then return 'unknown' end
if found[3] == nonce then return 'queued' end
if not isFinal(r) then return 'active' end

local now = clock()
local letter = retried(r)
place(id, r, cjson.decode(found[2]).queue, now)
redis.call('HDEL', key, 'result')
write(id, r, found[2], letter, nil, 'retry', nonce)
flush(now)
return 'queued'
`,
)
