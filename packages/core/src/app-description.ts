/** What is known of an App without its code: JSON, as workers announce it and `ds app list` prints it. */
export interface AppDescription {
  readonly schema: 1
  readonly name: string
  readonly tasks: readonly TaskDescription[]
}

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

export type JsonSchema = { readonly [key: string]: unknown }
