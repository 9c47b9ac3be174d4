import type { App } from '../app/app.ts'
import type { Broker, NewTask, Result, SubmitAnswer } from '../broker/broker.ts'
import { CreateFailedError } from './errors-of-tasks.ts'
import { DefaultTaskHandle } from './default-task-handle.ts'
import type { HandleScope } from './default-task-handle.ts'
import { DsError } from '../errors.ts'
import { KnownTasks } from './known-tasks.ts'
import type { TaskProfile } from './known-tasks.ts'
import { newTask } from './new-task.ts'
import type { CreationRules, TaskAsked } from './new-task.ts'
import type { AnyTaskDefinition } from '../tasks/task-definition.ts'
import { TaskSubmitter } from './task-submitter.ts'

/** On whose behalf tasks are created: what becomes their parent, and how their handles wait. */
export interface CreationScope extends HandleScope {
  readonly parentId: string | undefined
}

/** Makes tasks of what callers ask for, and sends them. */
export class TaskCreator {
  readonly #broker: Broker
  readonly #app: App<AnyTaskDefinition> | undefined
  readonly #known: KnownTasks
  readonly #submitter: TaskSubmitter

  /** `patience`: how long a task is sent again over an outage, in milliseconds. */
  constructor(broker: Broker, app: App<AnyTaskDefinition> | undefined, patience: number) {
    this.#broker = broker
    this.#app = app
    this.#known = new KnownTasks(broker, app)
    this.#submitter = new TaskSubmitter(broker, patience)
  }

  /** `profile` is that of a definition the caller holds; without one the name is looked up. */
  async create(asked: TaskAsked, profile: TaskProfile | undefined, scope: CreationScope): Promise<DefaultTaskHandle> {
    const found =
      profile ?? this.#known.find(asked.name, asked.group) ?? (await this.#known.require(asked.name, asked.group))
    const made = newTask(asked, found, this.#rules(scope))
    const task = made instanceof Promise ? await made : made
    return new Promise((resolve, reject) => {
      this.#submitter.add(task, (answer) => {
        if (answer.ok) resolve(new DefaultTaskHandle(scope, task.id, answer.value === 'created'))
        else reject(answer.error)
      })
    })
  }

  /**
   * Creates many in one go. One that is refused does not keep its neighbours from being created.
   * @throws CreateFailedError when one was refused.
   */
  async createAll(requests: readonly TaskAsked[], scope: CreationScope): Promise<DefaultTaskHandle[]> {
    const made = await this.#makeAll(requests, this.#rules(scope))
    const answers = await this.#submitAll(made, scope)
    if (answers.some(({ ok }) => !ok)) throw new CreateFailedError(answers)
    return answers.flatMap((answer) => (answer.ok ? answer.value : []))
  }

  /** Resolves when all that is under way has its answer. */
  close(): Promise<void> {
    return this.#submitter.close()
  }

  #rules({ parentId }: CreationScope): CreationRules {
    return { maxPayload: this.#broker.capabilities.maxPayload, middleware: this.#app?.middleware ?? [], parentId }
  }

  /** A task for each request, or why there is none. */
  async #makeAll(requests: readonly TaskAsked[], rules: CreationRules): Promise<Result<NewTask>[]> {
    const made: Result<NewTask>[] = []
    for (const asked of requests) {
      try {
        const found = this.#known.find(asked.name, asked.group) ?? (await this.#known.require(asked.name, asked.group))
        const task = newTask(asked, found, rules)
        made.push({ ok: true, value: task instanceof Promise ? await task : task })
      } catch (error) {
        // Anything else is a mistake in middleware: it concerns the whole call, and nothing was sent yet.
        if (!DsError.is(error)) throw error
        made.push({ ok: false, error })
      }
    }
    return made
  }

  #submitAll(made: readonly Result<NewTask>[], scope: CreationScope): Promise<Result<DefaultTaskHandle>[]> {
    return new Promise((resolve) => {
      const answers: Result<DefaultTaskHandle>[] = []
      let open = made.length
      const answered = (index: number, answer: Result<DefaultTaskHandle>): void => {
        answers[index] = answer
        open -= 1
        if (open === 0) resolve(answers)
      }
      if (open === 0) resolve(answers)
      for (const [index, task] of made.entries()) {
        if (!task.ok) answered(index, task)
        else this.#submitter.add(task.value, (answer) => answered(index, handled(task.value, answer, scope)))
      }
    })
  }
}

function handled(task: NewTask, answer: Result<SubmitAnswer>, scope: CreationScope): Result<DefaultTaskHandle> {
  return answer.ok ? { ok: true, value: new DefaultTaskHandle(scope, task.id, answer.value === 'created') } : answer
}
