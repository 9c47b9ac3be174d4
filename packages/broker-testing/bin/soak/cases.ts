import { cuts1000 } from './cuts-1000.ts'
import { delayed10k } from './delayed-10k.ts'
import { drain100k } from './drain-100k.ts'
import { eightWorkers } from './eight-workers.ts'
import { killPool } from './kill-pool.ts'
import { killWorkers } from './kill-workers.ts'
import { longBesideShort } from './long-beside-short.ts'
import { longTask } from './long-task.ts'
import { memberKills } from './member-kills.ts'
import { millionFinished } from './million-finished.ts'
import { millionRetention } from './million-retention.ts'
import { outage } from './outage.ts'
import { pausedWorkers } from './paused-workers.ts'
import { poison1000 } from './poison-1000.ts'
import type { SoakCase } from './soak-case.ts'
import { workersComeAndGo } from './workers-come-and-go.ts'

export const SOAK_CASES: readonly SoakCase[] = [
  { name: 'long-task', shows: 'tasks three leases long run once', run: longTask },
  { name: 'delayed-10k', shows: '10,000 delayed tasks start neither early nor late', run: delayed10k },
  { name: 'drain-100k', shows: '100,000 tasks, four workers, one killed every 5 s: nothing is lost', run: drain100k },
  {
    name: 'outage-60s',
    shows: 'the server is away for a minute: the same processes go on',
    run: (context) => outage(context, 60_000),
  },
  {
    name: 'outage-90s',
    shows: 'the same for 90 seconds, longer than clients try by themselves',
    run: (context) => outage(context, 90_000),
  },
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
  {
    name: 'million-finished',
    shows: 'beside a million finished tasks: how long a manager takes to start, what it takes of memory, how it reads',
    run: millionFinished,
  },
  {
    name: 'long-beside-short',
    shows: 'a task of two minutes beside 10,000 short ones while workers change: it runs once, they do not wait for it',
    run: longBesideShort,
  },
  {
    name: 'paused-workers',
    shows: 'a worker stands still for 8 of every 20 seconds: late outcomes are refused, and all readers agree',
    run: pausedWorkers,
  },
  {
    name: 'workers-come-and-go',
    shows: 'a worker joins or leaves every five seconds: running tasks are not started again',
    run: workersComeAndGo,
  },
  {
    name: 'eight-workers',
    shows: 'eight workers together read and take little more than one alone, at 3,000 tasks a second',
    run: eightWorkers,
  },
  { name: 'kill-workers', shows: 'workers are killed for two minutes: nothing is lost', run: killWorkers },
  { name: 'kill-pool', shows: 'members of ds worker start -n 4 are killed, then it drains', run: killPool },
]
