import { cuts1000 } from './cuts-1000.ts'
import { delayed10k } from './delayed-10k.ts'
import { drain100k } from './drain-100k.ts'
import { killPool } from './kill-pool.ts'
import { killWorkers } from './kill-workers.ts'
import { longTask } from './long-task.ts'
import { memberKills } from './member-kills.ts'
import { millionRetention } from './million-retention.ts'
import { outage60s } from './outage-60s.ts'
import { poison1000 } from './poison-1000.ts'
import type { SoakCase } from './soak-case.ts'

export const SOAK_CASES: readonly SoakCase[] = [
  { name: 'long-task', shows: 'tasks three leases long run once', run: longTask },
  { name: 'delayed-10k', shows: '10,000 delayed tasks start neither early nor late', run: delayed10k },
  { name: 'drain-100k', shows: '100,000 tasks, four workers, one killed every 5 s: nothing is lost', run: drain100k },
  { name: 'outage-60s', shows: 'the server is away for a minute: the same processes go on', run: outage60s },
  {
    name: 'cuts-1000',
    shows: 'a connection is cut 1,000 times in the middle of a group of writes: nothing is lost, nothing done twice',
    run: cuts1000,
  },
  { name: 'member-kills', shows: 'each server of a cluster is killed under load: nothing is lost', run: memberKills },
  { name: 'poison-1000', shows: 'one poison task among 1,000 takes no neighbour along', run: poison1000 },
  {
    name: 'million-retention',
    shows: 'after a million finished tasks the server holds what it held',
    run: millionRetention,
  },
  { name: 'kill-workers', shows: 'workers are killed for two minutes: nothing is lost', run: killWorkers },
  { name: 'kill-pool', shows: 'members of ds worker start -n 4 are killed, then it drains', run: killPool },
]
