import type { AppDescription, TaskDescription } from './app-description.ts'
import { DsError, UnregisteredTaskError } from '../errors.ts'
import type { Middleware } from '../tasks/middleware.ts'
import { checkId } from '../names.ts'
import { jsonSchemaOf } from '../tasks/schema.ts'
import type { AnyTaskDefinition } from '../tasks/task-definition.ts'

/** What an App can be made of. */
export type AppItem = AnyTaskDefinition | App<AnyTaskDefinition>

/** The definitions in an App's items, and those of an App. */
export type TasksIn<Item> = Item extends App<infer Tasks> ? Tasks : Item extends AnyTaskDefinition ? Item : never
/** The definitions of an App, from its type. */
export type TasksOf<SomeApp extends App<AnyTaskDefinition>> = SomeApp extends App<infer Tasks> ? Tasks : never

/** A named collection of task definitions: the registry that workers run and managers create from. */
export interface App<out Tasks extends AnyTaskDefinition = AnyTaskDefinition> {
  readonly kind: 'app'
  readonly name: string
  readonly tasks: ReadonlyMap<string, Tasks>
  readonly middleware: readonly Middleware[]
  /** Adds a task definition, or all those of another App with its middleware. Throws `DuplicateTaskError` for a name that is taken. */
  use<const Item extends AppItem>(item: Item): App<Tasks | TasksIn<Item>>
  /** Adds middleware; the first added is the outermost. */
  use(middleware: Middleware): this
  /** The definition of that name. Throws `UnregisteredTaskError` if there is none. */
  definition(name: string): Tasks
  /** The groups its tasks belong to, sorted. */
  groups(): string[]
  /** What can be said of it without its code. */
  describe(): AppDescription
}

/**
 * Makes an App of task definitions and other Apps.
 * @throws DuplicateTaskError when two definitions have one name.
 * @example
 * export const app = createApp('hello', [greet])
 */
export function createApp<const Items extends readonly AppItem[]>(
  name: string,
  items: Items,
): App<TasksIn<Items[number]>> {
  const app = new Registry(checkId('name of the App', name))
  for (const item of items) app.use(item)
  return app as App<AnyTaskDefinition> as App<TasksIn<Items[number]>>
}

/** Whether a value is an App, also one of another installed copy of this package. */
export function isApp(value: unknown): value is App<AnyTaskDefinition> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'app' &&
    'tasks' in value &&
    'definition' in value
  )
}

class Registry implements App<AnyTaskDefinition> {
  readonly kind = 'app'
  readonly name: string
  readonly tasks: Map<string, AnyTaskDefinition> = new Map()
  readonly middleware: Middleware[] = []

  constructor(name: string) {
    this.name = name
  }

  use(item: AppItem | Middleware): this {
    if (!('kind' in item)) this.addMiddleware(item)
    else if (item.kind === 'task') this.addTask(item)
    else this.addApp(item)
    return this
  }

  definition(name: string): AnyTaskDefinition {
    const definition = this.tasks.get(name)
    if (!definition)
      throw new UnregisteredTaskError(
        name,
        [...this.tasks.keys()],
        `Check the name, or register it in the App ${this.name}`,
      )
    return definition
  }

  groups(): string[] {
    return [...new Set([...this.tasks.values()].map(({ options }) => options.group))].sort()
  }

  describe(): AppDescription {
    const tasks = [...this.tasks.values()].map(describeTask).sort((a, b) => (a.name < b.name ? -1 : 1))
    return { schema: 1, name: this.name, tasks }
  }

  private addTask(definition: AnyTaskDefinition): void {
    const present = this.tasks.get(definition.name)
    if (present && present !== definition) throw new DuplicateTaskError(definition.name, this.name)
    this.tasks.set(definition.name, definition)
  }

  private addApp(app: App<AnyTaskDefinition>): void {
    for (const definition of app.tasks.values()) this.addTask(definition)
    for (const middleware of app.middleware) this.addMiddleware(middleware)
  }

  private addMiddleware(middleware: Middleware): void {
    if (!this.middleware.includes(middleware)) this.middleware.push(middleware)
  }
}

/** Two definitions have one name. */
export class DuplicateTaskError extends DsError {
  constructor(taskName: string, appName: string) {
    super('DuplicateTask', `The App ${appName} has two tasks named ${JSON.stringify(taskName)}`, {
      fix: 'Rename one of them',
    })
  }
}

function describeTask({ name, options }: AnyTaskDefinition): TaskDescription {
  const args = options.args && jsonSchemaOf(options.args)
  const result = options.result && jsonSchemaOf(options.result)
  return {
    name,
    group: options.group,
    maxRetries: options.maxRetries,
    maxCrashes: options.maxCrashes,
    ...(options.maxQueued !== undefined && { maxQueued: options.maxQueued }),
    ...(options.description !== undefined && { description: options.description }),
    ...(args && { args }),
    ...(result && { result }),
  }
}
