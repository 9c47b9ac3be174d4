export { AdapterNotInstalledError, BROKER_SCHEMES, findAdapter, UnknownBrokerError } from './adapters.ts'
export type { AppDescription, AppDirectory, JsonSchema, TaskDescription } from './app-description.ts'
export { createApp, DuplicateTaskError, isApp } from './app.ts'
export type { App, AppItem, TasksIn, TasksOf } from './app.ts'
export { Batcher } from './batcher.ts'
export type { BatcherOptions, OnAnswer } from './batcher.ts'
export type { BrokerAdapter, BrokerOptions, Retention } from './broker-adapter.ts'
export { resolveBrokerOptions } from './broker-options.ts'
export type { ResolvedBrokerOptions } from './broker-options.ts'
export type {
  Broker,
  CancelAnswer,
  CancelNotice,
  ConsumerOptions,
  Delivery,
  Lease,
  NewTask,
  Outcome,
  ParkedItem,
  ParkedStore,
  RemoveAnswer,
  Renewal,
  RenewAnswer,
  Result,
  RetryAnswer,
  SettleAnswer,
  Settlement,
  SubmitAnswer,
  TaskConsumer,
  TaskCounts,
  TaskCursor,
  TaskEvents,
  TaskPage,
  TaskQuery,
  TaskQueue,
  TaskStore,
} from './broker.ts'
export { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION } from './capabilities.ts'
export type { BatchLimits, BrokerCapabilities } from './capabilities.ts'
export { isBroker } from './config-fields.ts'
export { defineConfig } from './config.ts'
export type {
  BrokerConfig,
  BrokerSettings,
  DsConfig,
  ResolvedConfig,
  ResolvedWorkerConfig,
  RetentionConfig,
  WorkerConfig,
} from './config.ts'
export { connect } from './connect.ts'
export type { ConnectOptions } from './connect.ts'
export { createTaskManager, scopedTaskManager } from './create-task-manager.ts'
export type { TaskManagerOptions } from './create-task-manager.ts'
export type { ManagerScope } from './default-task-manager.ts'
export { defineTask } from './define-task.ts'
export type { InputOf, OutputOf, ReturnOf } from './define-task.ts'
export { defineDependency } from './dependency.ts'
export type { Dependency, DependencyOptions, DependencyScope, DependencyValues } from './dependency.ts'
export { milliseconds } from './duration.ts'
export type { Duration } from './duration.ts'
export { ENVIRONMENT } from './environment.ts'
export type { EnvironmentVariable } from './environment.ts'
export { CreateFailedError, TaskActiveError, TaskCancelledError, TaskFailedError } from './errors-of-tasks.ts'
export {
  BrokerClosedError,
  BrokerMisconfiguredError,
  BrokerRefusedError,
  BrokerUnavailableError,
  ConfigInvalidError,
  DsError,
  ERROR_CODES,
  Fatal,
  InvalidArgumentsError,
  NotSupportedError,
  PayloadTooLargeError,
  QueueFullError,
  RetryAfter,
  UnknownTaskError,
  UnregisteredTaskError,
  WaitTimeoutError,
} from './errors.ts'
export type { DsErrorOptions, ErrorCode, SchemaIssue } from './errors.ts'
export { EventBuffer } from './event-buffer.ts'
export type { EventBufferOptions } from './event-buffer.ts'
export { eventOf, matchesFilter, RESYNC } from './events.ts'
export type { EventDetails, EventFilter, SubscriptionItem, TaskEvent, TaskEventType } from './events.ts'
export { guardBroker } from './guard-broker.ts'
export { LongTimer } from './long-timer.ts'
export type { BrokerHealth, Durability, HealthCheck } from './health.ts'
export { AppInvalidError, AppNotFoundError, loadApp } from './load-app.ts'
export type { LoadedApp } from './load-app.ts'
export { CONFIG_FILES, loadConfig } from './load-config.ts'
export type { ConfigOptions, ConfigSurroundings } from './load-config.ts'
export { createMemoryBroker, MemoryBroker, memoryAdapter, newRecord } from './memory/memory-broker.ts'
export type { MemoryBrokerOptions } from './memory/memory-broker.ts'
export type { Execution, Middleware } from './middleware.ts'
export { checkId, checkLabel, DEFAULT_GROUP, drawTaskId, isDrawnTaskId, queueOf } from './names.ts'
export { openBroker } from './open-broker.ts'
export type { OpenOptions } from './open-broker.ts'
export { changeOfOutcome } from './outcome-change.ts'
export { decodePayload, encodePayload, NotSerializableError } from './payload.ts'
export { redactUrl } from './redact-url.ts'
export { exponential, fixed, retryDelay } from './retry-policy.ts'
export type { Backoff, BackoffOptions, ErrorClass, RetryPolicy } from './retry-policy.ts'
export { InvalidResultError, parseArgs, parseResult } from './schema.ts'
export { apply, isDue, workerLost } from './state.ts'
export type { Change, Verdict } from './state.ts'
export { TaskAbortedError } from './task-context.ts'
export type { AbortKind, Logger, LogFields, Progress, TaskContext } from './task-context.ts'
export type {
  AnyTaskDefinition,
  ErasedHandler,
  Isolation,
  ResolvedTaskOptions,
  Schema,
  TaskDefinition,
  TaskHandler,
  TaskOptions,
} from './task-definition.ts'
export { toTaskError } from './task-error.ts'
export type {
  ArgsOf,
  CreateOptions,
  HandlesOf,
  ListQuery,
  Named,
  ResultOf,
  TaskHandle,
  TaskList,
  TaskManager,
  TaskRequest,
  WaitOptions,
  WatchFilter,
} from './task-manager.ts'
export { compareIds, isFinal, MAX_ATTEMPT_ERRORS, retriesLeft, STORED_STATES } from './task.ts'
export type {
  AttemptError,
  FinalState,
  Payload,
  StackFrame,
  StoredState,
  Task,
  TaskError,
  TaskHeaders,
  TaskState,
} from './task.ts'
export type { WaitWrapper } from './watch.ts'
export { decodeMessage, UndecodableError } from './wire-decode.ts'
export {
  encodeEvent,
  encodeTask,
  eventMessage,
  forPython,
  shutdownMessage,
  taskErrorMessage,
  taskMessage,
  taskResultMessage,
} from './wire.ts'
export type {
  EventFields,
  EventMessage,
  ShutdownMessage,
  TaskErrorMessage,
  TaskMessage,
  TaskResultMessage,
  WireMessage,
} from './wire.ts'
