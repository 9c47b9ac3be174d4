import { casesOf } from '../conformance-case.ts'
import type { ConformanceCase } from '../conformance-case.ts'
import {
  cancelAnswerLost,
  receiveAnswerLost,
  retryAnswerLost,
  settleAnswerLost,
  submitAnswerLost,
} from './recovery/answers.ts'
import { cutConnections, halfOpen, slowLink, waitingCalls } from './recovery/links.ts'
import {
  awayForLong,
  boundedWithoutServer,
  kills,
  pauses,
  removalsSurvive,
  restarts,
  storeSurvives,
  subscriptionsGoOn,
} from './recovery/servers.ts'
import {
  flaggedWorkerDies,
  killedAgainAndAgain,
  killedSubmitter,
  endsWithoutServer,
  killedWorker,
  stoppedWorker,
} from './recovery/workers.ts'

const SERVER = ['server', 'shared', 'persistent'] as const
const CHILD = ['child', 'shared'] as const

export const recovery: readonly ConformanceCase[] = casesOf('recovery', [
  { name: 'cut connections', rule: 'submit-durable', needs: SERVER, timeout: 240_000, run: cutConnections },
  { name: 'a half-open link', rule: 'health-honest', needs: SERVER, timeout: 240_000, run: halfOpen },
  { name: 'a link of 500 ms', rule: 'lease-renewed', needs: SERVER, timeout: 240_000, run: slowLink },
  {
    name: 'calls that wait go on, others say what is wrong',
    rule: 'outage',
    needs: SERVER,
    timeout: 90_000,
    run: waitingCalls,
  },
  {
    name: 'the lost answer of a submit',
    rule: 'submit-repeated',
    needs: SERVER,
    timeout: 240_000,
    run: submitAnswerLost,
  },
  { name: 'the lost answer of a receive', rule: 'outage', needs: SERVER, timeout: 240_000, run: receiveAnswerLost },
  { name: 'the lost answer of a settle', rule: 'outage', needs: SERVER, timeout: 240_000, run: settleAnswerLost },
  { name: 'the lost answer of a retry', rule: 'retry-answers', needs: SERVER, timeout: 240_000, run: retryAnswerLost },
  {
    name: 'the lost answer of a cancel',
    rule: 'cancel-waiting',
    needs: SERVER,
    timeout: 240_000,
    run: cancelAnswerLost,
  },
  { name: 'restarts of the server', rule: 'submit-durable', needs: SERVER, timeout: 300_000, run: restarts },
  { name: 'a killed server', rule: 'submit-durable', needs: SERVER, timeout: 300_000, run: kills },
  { name: 'a server that stands still', rule: 'outage', needs: SERVER, timeout: 240_000, run: pauses },
  { name: 'a server that is away for long', rule: 'health-honest', needs: SERVER, timeout: 300_000, run: awayForLong },
  {
    name: 'what is kept survives a kill of the server',
    rule: 'submit-durable',
    needs: SERVER,
    timeout: 120_000,
    run: storeSurvives,
  },
  {
    name: 'what was removed stays removed over a kill of the server',
    rule: 'remove',
    needs: SERVER,
    timeout: 120_000,
    run: removalsSurvive,
  },
  {
    name: 'subscriptions and broadcasts go on after a restart',
    rule: 'resync',
    needs: SERVER,
    timeout: 120_000,
    run: subscriptionsGoOn,
  },
  {
    name: 'nothing hangs without the server',
    rule: 'unavailable',
    needs: SERVER,
    timeout: 120_000,
    run: boundedWithoutServer,
  },
  {
    name: 'a process ends after close whatever its server did',
    rule: 'no-handles',
    needs: [...SERVER, 'child'],
    timeout: 90_000,
    run: endsWithoutServer,
  },
  {
    name: 'a worker killed before it starts',
    rule: 'worker-killed',
    needs: CHILD,
    run: (context) => killedWorker(context, 'claimed'),
  },
  {
    name: 'a worker killed in the middle',
    rule: 'worker-killed',
    needs: CHILD,
    run: (context) => killedWorker(context, 'middle'),
  },
  {
    name: 'a worker killed between effect and outcome',
    rule: 'worker-killed',
    needs: CHILD,
    run: (context) => killedWorker(context, 'effect'),
  },
  { name: 'a worker stopped past its lease', rule: 'worker-killed', needs: CHILD, timeout: 60_000, run: stoppedWorker },
  {
    name: 'a killed worker whose task was flagged',
    rule: 'cancel-and-failure',
    needs: CHILD,
    timeout: 60_000,
    run: flaggedWorkerDies,
  },
  { name: 'a killed submitter', rule: 'submit-durable', needs: CHILD, timeout: 180_000, run: killedSubmitter },
  {
    name: 'workers killed again and again',
    rule: 'worker-killed',
    needs: CHILD,
    timeout: 300_000,
    run: killedAgainAndAgain,
  },
])
