import { GROUPS } from './groups.ts'
import { BASE } from './base.ts'
import { script } from './script.ts'
import type { Script } from './script.ts'

/** Makes the groups of the queues, so that readers can block on them. ARGV: the queues. */
export const JOIN: Script = script(
  'join',
  BASE,
  GROUPS,
  `
for at = 1, #ARGV do
  createGroup(P .. 'queue:' .. ARGV[at])
  createGroup(P .. 'suspects:' .. ARGV[at])
end
return 'OK'
`,
)
