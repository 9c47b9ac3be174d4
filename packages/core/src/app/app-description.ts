import type { JsonSchema } from '../tasks/schema.ts'

/** What is known of an App without its code: JSON, as workers announce it and `ds app list` prints it. */
export interface AppDescription {
  readonly schema: 1
  readonly name: string
  readonly tasks: readonly TaskDescription[]
}

/** One task of an App that is described. */
export interface TaskDescription {
  readonly name: string
  readonly group: string
  readonly maxRetries: number
  readonly maxCrashes: number
  readonly maxQueued?: number
  readonly description?: string
  /** JSON Schema, where the definition's schema can say it. */
  readonly args?: JsonSchema
  readonly result?: JsonSchema
}

/** What workers say of the Apps they run, so that managers without the handlers' code know a task's group and limits. */
export interface AppDirectory {
  /** Replaces what was known of the App of that name. Durable. */
  announce(app: AppDescription): Promise<void>
  /** All Apps that were announced. */
  apps(): Promise<AppDescription[]>
}
