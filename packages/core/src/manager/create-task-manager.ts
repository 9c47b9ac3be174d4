import type { App } from '../app/app.ts'
import type { Broker } from '../broker/broker.ts'
import { DefaultTaskManager } from './default-task-manager.ts'
import type { ManagerScope } from './default-task-manager.ts'
import { milliseconds } from '../duration.ts'
import type { Duration } from '../duration.ts'
import { ConfigInvalidError } from '../errors.ts'
import { TaskAccess } from './task-access.ts'
import { TaskCreator } from './task-creator.ts'
import type { AnyTaskDefinition, TaskDefinition } from '../tasks/task-definition.ts'
import type { TaskManager } from './task-manager.ts'

export interface TaskManagerOptions extends ManagerScope {
  /** Gives groups, limits and schemas of its tasks; its middleware sees each creation. */
  readonly app?: App<AnyTaskDefinition>
  /** Close the broker with the manager. Default false. */
  readonly owned?: boolean
  /** How long `create` is sent again while the broker is away. Default 10 s. */
  readonly patience?: Duration
}

/**
 * A TaskManager over a broker that is connected, as {@link openBroker} gives it. Programs call {@link connect}; this is for what runs
 * beside a broker already, as a worker does.
 */
export function createTaskManager<Tasks extends AnyTaskDefinition = TaskDefinition>(
  broker: Broker,
  { app, owned = false, patience = '10s', ...scope }: TaskManagerOptions = {},
): TaskManager<Tasks> {
  const parts = {
    broker,
    access: new TaskAccess(broker),
    creator: new TaskCreator(broker, app, milliseconds(patience, 'patience')),
    owned,
    closing: undefined,
  }
  return new DefaultTaskManager(parts, scope)
}

/**
 * A view of a manager for one running task: what it creates has that task as parent, and each wait goes through `onWait`, which may
 * give a slot away meanwhile. It shares everything with its manager, costs next to nothing, and closing it does nothing.
 */
export function scopedTaskManager(manager: TaskManager, scope: ManagerScope): TaskManager {
  if (manager instanceof DefaultTaskManager) return new DefaultTaskManager(manager.parts, scope, true)
  throw new ConfigInvalidError('This TaskManager cannot be scoped', { fix: 'Pass one that createTaskManager made' })
}
