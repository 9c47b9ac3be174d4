/**
 * The rules that the cases test, each as a sentence of the contract. The table of broken brokers names them: a broker that breaks
 * one fails the cases that carry it.
 */
export const RULES = {
  // lifecycle
  options: 'A URL and options both name the server; options that cannot work are refused at once with ConfigInvalid',
  capabilities: 'Capabilities are complete once connect has resolved, and hold',
  connect:
    'connect rejects with BrokerUnavailable when its time has passed, and at once where trying again cannot help',
  'connect-once': 'connect may be called often and at once',
  'close-once': 'close may be called often and at once, also before connect and while connecting',
  'use-after-close': 'Every call after close rejects with BrokerClosed',
  'no-handles': 'close leaves no timer and no socket: the process ends by itself',
  namespaces: 'Namespaces on one server do not see each other',
  health: 'health never rejects, answers within five seconds, and an idle broker is healthy',
  durability: 'health says what the server makes of "durable", and requireDurable refuses what is weak',
  apps: 'announce replaces what was known of the App of that name, durably',
  // submit
  'submit-durable':
    'What was answered "created" is not lost: not with the queue busy, not with a process killed, not with the server restarted',
  'submit-idempotent': 'Of racing submits of one id exactly one is created; the others are "exists" and change nothing',
  'submit-repeated': 'A submission that is sent again with its incarnation is answered "created" again, and runs once',
  'submit-answers': 'Answers come in the order of the tasks, one each: a bad task does not fail its neighbours',
  'payload-limit':
    'The limit of args and results is never above what the server takes, and what is as large as it is taken',
  'payload-intact': 'Args, results, errors and headers come back as they were given',
  'any-name': 'An id is any UTF-8 of 1 to 200 bytes, queues are opaque names',
  'task-as-asked': 'The stored record says what was asked for',
  'queue-limit': 'A task over the limit of its queue is answered QueueFull; a broker without that refuses maxQueued',
  // delivery
  'one-worker': 'Each task goes to one worker',
  'queues-apart': 'A consumer gets tasks of its queues only, in order of preference',
  backlog: 'A worker that joins later gets what waited',
  'claims-bounded': 'receive claims at most what it was asked for, and nothing is hoarded',
  'wake-up': 'An idle worker starts a task soon after it was submitted',
  'claim-durable': 'What receive returns is RUNNING with its attempt counted, durably, before it returns',
  'receive-abort': 'abort resolves receive with what is claimed by then; nothing is lost by it',
  'receive-closed': 'receive rejects only when closed or when going on cannot help',
  'final-dropped': 'Cancelled and finished tasks are dropped inside receive',
  // settle
  'outcome-stored-first': 'An outcome that was answered stands, and its result is readable before the entry is gone',
  'outcome-ends': 'done, error and cancelled end a task for good',
  'settle-twice': 'Settling twice has no effect the second time: the first final outcome stands',
  fencing: 'An outcome of an attempt that is not the current one is superseded and changes nothing',
  'settle-answers': 'settle answers each item in order; one bad item does not fail its neighbours',
  'retries-limit':
    'A retry runs again while retries are left, by the own count of the task or by that of the outcome; else ERROR',
  'errors-kept': 'The errors of the last 20 failed attempts are kept, oldest first; the next attempt gets the last',
  released: 'A released task runs elsewhere at once, held against nobody',
  crashes: 'A worker lost under its task is a crash, counted apart from failures',
  attempts: 'An attempt is the number of a start: it only grows and is never given back',
  // retry and delay
  'delay-not-early': 'A delay is a lower bound, for a first start and for a retry',
  'delay-not-late': 'A due task starts within the tolerance',
  'delay-cancel': 'A waiting delay can be cancelled and is not an attempt',
  'delay-held': 'A delay is held by the broker, not by a process',
  'delays-apart': 'What waits for its time does not stop what is due',
  'retry-again': 'retry runs a finished task again, its retries restored, its result dropped',
  'retry-answers': 'retry answers queued, active or unknown',
  // lease
  'lease-renewed': 'A lease that is renewed lasts, however long the task runs',
  'lease-lost': 'A task whose lease ran out runs again, within lease, sweep and takeover',
  'lease-fenced': 'A lease that was lost and taken over says so, and its progress and outcome are not applied',
  'poison-limit':
    'A task that loses its workers as often as its limit ends in ERROR WorkerLost and takes no neighbour with it',
  'one-suspect': 'A consumer never holds more than one task that has lost a worker',
  incarnation: 'A task that was removed and submitted again is safe from its former life',
  progress: 'Progress travels with the renewal, fenced by its attempt, and never goes back within an attempt',
  'renew-answers': 'renew answers each item in order',
  // cancel
  'cancel-waiting': 'A queued or delayed task is CANCELLED at once and never started',
  'cancel-running':
    'The cancel of a running task is recorded; its worker hears of it by broadcast and by every renewal',
  'cancel-requeue': 'With requeue a waiting task stays and a running one returns to its queue with progress 0',
  'cancel-again': 'A second cancel replaces the first, also after a requeue',
  'cancel-final': 'Cancelling a finished task changes nothing; of an unknown id it says so',
  'cancel-or-claim': 'Cancel and claim are ordered by the store: one of them wins, never both',
  'cancel-or-settle': 'Cancel and settle are ordered by the store; a result wins over a flag',
  'cancel-and-failure':
    'A flagged task that fails, is released or loses its worker is CANCELLED, or returns to its queue',
  // store
  get: 'get answers in the order of the ids, undefined where there is none',
  'own-writes': 'A manager reads its own writes',
  'read-lag': 'Other processes see a write within the declared lag',
  'list-order': 'list is ordered by createdAt and id, newest first',
  'list-complete': 'A task that matches throughout appears exactly once over the pages, while others change',
  'list-filters': 'list gives what matches all of its filters, and nothing else',
  counts: 'counts says how many tasks are in each state, and how many wait for their time',
  remove: 'remove takes a finished task and all that is kept of it; its id is free again',
  retention: 'Finished tasks go after their age, and with a count the oldest first; storage does not grow',
  version: 'version grows by one with every change of the record',
  // events
  'events-order': 'Events of one task come in order with growing versions',
  'events-final': 'The final event reaches each live subscriber',
  'events-live': 'Events come from the moment subscribe resolves',
  'events-say': 'An event says what happened and the state it left the task in',
  'events-filter': 'A subscription gets what passes its filter, and nothing else',
  'events-slow': 'A slow reader gets merged events and the final one, or a resync; it holds up nobody',
  'events-end': 'A subscription ends by its signal or with the broker, and its end touches no other',
  resync: 'After a break a subscription yields a resync and goes on',
  // garbage
  parked: 'What cannot be decoded is parked, with its bytes; it stops nobody, does not spin, and is not dropped',
  future: 'An envelope version from the future is parked',
  'unknown-field': 'Unknown fields are ignored',
  'unknown-name': 'A broker carries tasks of any name',
  // shutdown
  'close-pending': 'close waits for calls under way: each resolves and stands, or rejects',
  drain: 'drain stops receiving and gives back what was not handed out; leases that are held go on',
  'close-consumer': 'What a closed consumer still holds runs out with its lease',
  // recovery
  outage: 'Over an outage receive and settle wait and go on by themselves; renew rejects and its next call goes on',
  unavailable: 'A call that cannot wait rejects with BrokerUnavailable within seconds',
  'health-honest': 'health says unhealthy while the server does not answer, and healthy again after',
  'worker-killed':
    'The task of a killed or stopped worker runs again, and the late outcome of a stopped one is superseded',
} as const

/** Short name of a rule, a key of {@link RULES}. */
export type Rule = keyof typeof RULES
