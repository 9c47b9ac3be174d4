/** Every code an error of ours can carry. Each has a page in the docs, `docs/errors/<code>.md`. */
export const ERROR_CODES = [
  'AdapterNotInstalled',
  'AppInvalid',
  'AppNotFound',
  'BrokerClosed',
  'BrokerMisconfigured',
  'BrokerRefused',
  'BrokerUnavailable',
  'ConfigInvalid',
  'CreateFailed',
  'DependencyNotReady',
  'DuplicateTask',
  'Fatal',
  'InvalidArguments',
  'InvalidResult',
  'NotSerializable',
  'NotSupported',
  'PayloadTooLarge',
  'QueueFull',
  'RetryAfter',
  'TaskActive',
  'TaskCancelled',
  'TaskFailed',
  'TaskTimeout',
  'Undecodable',
  'UnknownBroker',
  'UnknownTask',
  'UnregisteredTask',
  'WaitTimeout',
  'WorkerLost',
] as const

/** The code of an error of ours. */
export type ErrorCode = (typeof ERROR_CODES)[number]

const MARKER = Symbol.for('@ds/error')

/** What an error says besides its message. */
export interface DsErrorOptions {
  /** What to do about it, as a sentence. */
  readonly fix?: string
  readonly cause?: unknown
}

/**
 * The base of every error this SDK throws. `code` is stable and names a page in the docs; `message` says what happened and where;
 * `fix` says what to do. Recognise it with {@link DsError.is}, which also works across two installed copies of the package.
 */
export class DsError extends Error {
  readonly code: ErrorCode
  readonly fix: string | undefined

  constructor(code: ErrorCode, message: string, options: DsErrorOptions = {}) {
    super(
      options.fix ? `${message}. ${options.fix}` : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = code
    this.code = code
    this.fix = options.fix
    Object.defineProperty(this, MARKER, { value: true })
  }

  /** Whether a value is an error of ours, of the given code if one is named. */
  static is<Code extends ErrorCode>(value: unknown, code?: Code): value is DsError & { readonly code: Code } {
    if (typeof value !== 'object' || value === null || !(MARKER in value)) return false
    return code === undefined || (value as unknown as DsError).code === code
  }
}

/** A config file, an environment variable or an option that cannot be used. */
export class ConfigInvalidError extends DsError {
  constructor(message: string, options?: DsErrorOptions) {
    super('ConfigInvalid', message, options)
  }
}

/** The server did not answer in time; trying again later may help. */
export class BrokerUnavailableError extends DsError {
  constructor(message: string, options?: DsErrorOptions) {
    super('BrokerUnavailable', message, options)
  }
}

/** The server answered no: wrong password, no permission, not such a server. Trying again does not help. */
export class BrokerRefusedError extends DsError {
  constructor(message: string, options?: DsErrorOptions) {
    super('BrokerRefused', message, options)
  }
}

/** The server works but its settings, or what lies on it, do not fit. */
export class BrokerMisconfiguredError extends DsError {
  constructor(message: string, options?: DsErrorOptions) {
    super('BrokerMisconfigured', message, options)
  }
}

/** The broker, consumer or manager was closed before this call. */
export class BrokerClosedError extends DsError {
  constructor(message = 'The broker is closed', options: DsErrorOptions = { fix: 'Open a new one with connect()' }) {
    super('BrokerClosed', message, options)
  }
}

/** This broker cannot do that; the message names the alternative. */
export class NotSupportedError extends DsError {
  constructor(message: string, options?: DsErrorOptions) {
    super('NotSupported', message, options)
  }
}

/** Args that fail the definition's schema. `issues` name the paths. */
export class InvalidArgumentsError extends DsError {
  readonly issues: readonly SchemaIssue[]

  constructor(message: string, issues: readonly SchemaIssue[], options?: DsErrorOptions) {
    super('InvalidArguments', message, options)
    this.issues = issues
  }
}

/** One place where a value does not fit a schema. */
export interface SchemaIssue {
  /** As in `pages[2].title`; empty for the value itself. */
  readonly path: string
  readonly message: string
}

/** Args or a result that exceed the limit once encoded. Nothing was sent. */
export class PayloadTooLargeError extends DsError {
  readonly size: number
  readonly limit: number

  constructor(what: string, size: number, limit: number) {
    const fix = 'Store large data elsewhere and pass its address, or raise maxPayload in the config'
    super('PayloadTooLarge', `${what} take ${size} bytes encoded, the limit is ${limit}`, { fix })
    this.size = size
    this.limit = limit
  }
}

/** A queue holds as many tasks as its limit allows. */
export class QueueFullError extends DsError {
  readonly queue: string
  readonly limit: number

  constructor(queue: string, limit: number) {
    const fix = 'Try again later, start more workers, or raise maxQueued in the task definition'
    super('QueueFull', `The queue ${queue} holds its limit of ${limit} tasks`, { fix })
    this.queue = queue
    this.limit = limit
  }
}

/** There is no task of that id: it was never created, was removed, or its retention has passed. */
export class UnknownTaskError extends DsError {
  readonly taskId: string

  constructor(taskId: string) {
    super('UnknownTask', `There is no task ${JSON.stringify(taskId)}`, {
      fix: 'Check the id and the namespace; finished tasks go after their retention',
    })
    this.taskId = taskId
  }
}

/** A task name that no known App registers. */
export class UnregisteredTaskError extends DsError {
  readonly taskName: string

  constructor(taskName: string, registered: readonly string[], fix?: string) {
    const known =
      registered.length > 0 ? `Registered are: ${[...registered].sort().join(', ')}` : 'No task is registered'
    super('UnregisteredTask', `No task is registered under the name ${JSON.stringify(taskName)}`, {
      fix: fix ? `${known}. ${fix}` : known,
    })
    this.taskName = taskName
  }
}

/** A wait ended before the task did. The task goes on. */
export class WaitTimeoutError extends DsError {
  constructor(taskId: string, timeout: number) {
    super('WaitTimeout', `Task ${taskId} did not end within ${timeout} ms`, {
      fix: 'The task goes on: wait again, or cancel it',
    })
  }
}

/** Thrown by a handler: this error is not to be retried, whatever the definition says. */
export class Fatal extends DsError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('Fatal', message, options)
  }
}

/** Thrown by a handler: run again after this time (ms, or as in `30s`), while retries are left. */
export class RetryAfter extends DsError {
  readonly delay: number | string

  constructor(
    delay: number | string,
    message = 'The task asked to run again later',
    options: { cause?: unknown } = {},
  ) {
    super('RetryAfter', message, options)
    this.delay = delay
  }
}
