/** What a child process is told: as JSON in its first argument. */
export interface ProgramOptions {
  readonly broker: ChildBroker
  readonly queue: string
  readonly role: CycleRole | CloserRole | ReaderRole | WorkerRole | SubmitterRole
}

/** The adapter and its options. */
export interface ChildBroker {
  readonly module: string
  readonly export: string
  readonly options: Readonly<Record<string, unknown>>
}

/** Uses everything once, closes, and should end by itself. Prints `closed`. */
export interface CycleRole {
  readonly type: 'cycle'
}

/**
 * Connects, or fails to within `timeout` ms. Prints `ready` or `unavailable`, closes on the message `close` what it has open by
 * then, prints `closed`, and should end by itself.
 */
export interface CloserRole {
  readonly type: 'closer'
  readonly timeout: number
}

/** Connects to a broker that holds many tasks, and prints `read` and what that cost, as JSON. */
export interface ReaderRole {
  readonly type: 'reader'
  /** How many pages, and how many tasks, it reads. */
  readonly samples: number
}

/**
 * Runs tasks. Prints `ready`, and of each task `start`, `effect` and `settled`, each followed by id and attempt, the last also by
 * the answer. With `hold` it prints `holding`, id and attempt at that stage of each task, and waits for the message `go`.
 * Ends on the message `stop`.
 */
export interface WorkerRole {
  readonly type: 'worker'
  readonly concurrency: number
  readonly lease: number
  /** Milliseconds that a task takes. */
  readonly work: number
  readonly hold?: HoldStage
  /** A task of this id kills the process when it starts, as a handler does that crashes. */
  readonly poison?: string
}

/** Before the handler's first line, in the middle of it, or after its effect and before its outcome is settled. */
export type HoldStage = 'claimed' | 'middle' | 'effect'

/** Submits tasks, several at once. Prints `told` and the id of each that was answered "created", and at last `finished`. */
export interface SubmitterRole {
  readonly type: 'submitter'
  readonly count: number
  readonly batch: number
  readonly inFlight: number
  readonly prefix: string
}
