import { delayed10k } from './delayed-10k.ts'
import { drain100k } from './drain-100k.ts'
import { killPool } from './kill-pool.ts'
import { killWorkers } from './kill-workers.ts'
import { longTask } from './long-task.ts'
import { millionRetention } from './million-retention.ts'
import { outage60s } from './outage-60s.ts'
import { poison1000 } from './poison-1000.ts'
import type { SoakCase } from './soak-case.ts'

export const SOAK_CASES: readonly SoakCase[] = [
  { name: 'long-task', shows: 'tasks three leases long run once', run: longTask },
  { name: 'delayed-10k', shows: '10,000 delayed tasks start neither early nor late', run: delayed10k },
  { name: 'drain-100k', shows: '100,000 tasks, four workers, one killed every 5 s: nothing is lost', run: drain100k },
  { name: 'outage-60s', shows: 'the server is away for a minute: the same processes go on', run: outage60s },
  { name: 'poison-1000', shows: 'one poison task among 1,000 takes no neighbour along', run: poison1000 },
  {
    name: 'million-retention',
    shows: 'after a million finished tasks the server holds what it held',
    run: millionRetention,
  },
  { name: 'kill-workers', shows: 'workers are killed for two minutes: nothing is lost', run: killWorkers },
  { name: 'kill-pool', shows: 'members of ds worker start -n 4 are killed, then it drains', run: killPool },
]
