export { AdapterNotInstalledError, BROKER_SCHEMES, findAdapter, UnknownBrokerError } from './config/adapters.ts'
export type { AppDescription, AppDirectory, TaskDescription } from './app/app-description.ts'
export { createApp, DuplicateTaskError, isApp } from './app/app.ts'
export type { App, AppItem, TasksIn, TasksOf } from './app/app.ts'
export { Batcher } from './batcher.ts'
export type { BatcherOptions, OnAnswer } from './batcher.ts'
export type { BrokerAdapter, BrokerOptions, Retention } from './broker/broker-adapter.ts'
export { resolveBrokerOptions } from './broker/broker-options.ts'
export type { BrokerKind, ResolvedBrokerOptions } from './broker/broker-options.ts'
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
} from './broker/broker.ts'
export { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION } from './broker/capabilities.ts'
export type { BatchLimits, BrokerCapabilities } from './broker/capabilities.ts'
export { isBroker } from './config/config-fields.ts'
export { defineConfig } from './config/config.ts'
export type {
  BrokerConfig,
  BrokerSettings,
  DsConfig,
  ResolvedConfig,
  ResolvedWorkerConfig,
  RetentionConfig,
  WorkerConfig,
} from './config/config.ts'
export { connect } from './manager/connect.ts'
export type { ConnectOptions } from './manager/connect.ts'
export { createTaskManager, scopedTaskManager } from './manager/create-task-manager.ts'
export type { TaskManagerOptions } from './manager/create-task-manager.ts'
export type { ManagerScope } from './manager/default-task-manager.ts'
export { defineTask } from './tasks/define-task.ts'
export type { InputOf, OutputOf, ReturnOf } from './tasks/define-task.ts'
export { defineDependency } from './tasks/dependency.ts'
export type { Dependency, DependencyOptions, DependencyScope, DependencyValues } from './tasks/dependency.ts'
export { milliseconds } from './duration.ts'
export type { Duration } from './duration.ts'
export { ENVIRONMENT } from './config/environment.ts'
export type { EnvironmentVariable } from './config/environment.ts'
export { CreateFailedError, TaskActiveError, TaskCancelledError, TaskFailedError } from './manager/errors-of-tasks.ts'
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
export { EventBuffer } from './watching/event-buffer.ts'
export type { EventBufferOptions } from './watching/event-buffer.ts'
export { eventOf, matchesFilter, RESYNC } from './events.ts'
export { Fifo } from './fifo.ts'
export type { EventDetails, EventFilter, SubscriptionItem, TaskEvent, TaskEventType } from './events.ts'
export { guardBroker } from './broker/guard-broker.ts'
export { LongTimer } from './long-timer.ts'
export type { BrokerHealth, Durability, HealthCheck } from './broker/health.ts'
export { AppInvalidError, AppNotFoundError, loadApp } from './app/load-app.ts'
export type { LoadedApp } from './app/load-app.ts'
export { CONFIG_FILES, loadConfig } from './config/load-config.ts'
export type { ConfigOptions, ConfigSurroundings } from './config/load-config.ts'
export { createMemoryBroker, MemoryBroker, memoryAdapter, newRecord } from './memory/memory-broker.ts'
export type { MemoryBrokerOptions } from './memory/memory-broker.ts'
export type { Execution, Middleware } from './tasks/middleware.ts'
export { checkId, checkLabel, DEFAULT_GROUP, drawTaskId, isDrawnTaskId, queueOf } from './names.ts'
export { openBroker } from './config/open-broker.ts'
export type { OpenOptions } from './config/open-broker.ts'
export { changeOfOutcome } from './state/outcome-change.ts'
export { decodePayload, encodePayload, NotSerializableError } from './tasks/payload.ts'
export { redactUrl } from './redact-url.ts'
export { exponential, fixed, retryDelay } from './tasks/retry-policy.ts'
export type { Backoff, BackoffOptions, ErrorClass, RetryPolicy } from './tasks/retry-policy.ts'
export { InvalidResultError, parseArgs, parseResult } from './tasks/schema.ts'
export type { JsonSchema } from './tasks/schema.ts'
export { apply, isDue, workerLost } from './state/state.ts'
export type { Change, Verdict } from './state/state.ts'
export { TaskAbortedError } from './tasks/task-context.ts'
export type { AbortKind, Logger, LogFields, Progress, TaskContext } from './tasks/task-context.ts'
export type {
  AnyTaskDefinition,
  ErasedHandler,
  Isolation,
  ResolvedTaskOptions,
  Schema,
  TaskDefinition,
  TaskHandler,
  TaskOptions,
} from './tasks/task-definition.ts'
export { toTaskError } from './tasks/task-error.ts'
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
} from './manager/task-manager.ts'
export { compareIds, isFinal, MAX_ATTEMPT_ERRORS, retriesLeft, STORED_STATES } from './tasks/task.ts'
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
} from './tasks/task.ts'
export type { WaitWrapper } from './watching/watch.ts'
export { decodeMessage, UndecodableError } from './wire/wire-decode.ts'
export {
  encodeEvent,
  encodeTask,
  eventMessage,
  forPython,
  shutdownMessage,
  taskErrorMessage,
  taskMessage,
  taskResultMessage,
} from './wire/wire.ts'
export type {
  EventFields,
  EventMessage,
  ShutdownMessage,
  TaskErrorMessage,
  TaskMessage,
  TaskResultMessage,
  WireMessage,
} from './wire/wire.ts'
