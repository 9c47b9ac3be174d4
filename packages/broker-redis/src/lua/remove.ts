import { FORGETTING } from './forgetting.ts'
import { BASE } from './base.ts'
import { RECORD } from './record.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/** ARGV: id. Answers with a {@link RemoveAnswer}. */
export const REMOVE: Script = script(
  'remove',
  BASE,
  RECORD,
  FORGETTING,
  `
local id = ARGV[1]
local found = redis.call('HMGET', P .. 'task:' .. id, 'state', 'task')
local r = found[1] and parse(found[1])
if not r then return 'unknown' end
if not isFinal(r) then return 'active' end
forget(id, found[2])
flushForgotten()
return 'removed'
`,
)
