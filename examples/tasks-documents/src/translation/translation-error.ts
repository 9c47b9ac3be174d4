export type TranslationErrorCode =
  | 'NotConfigured' // no service was named
  | 'Unreachable' // no connection, or no answer in time
  | 'Busy' // asked to come back later
  | 'Refused' // an unknown language, a missing key, a text too long
  | 'BadAnswer' // something else answered

/** Why a text was not translated. `Unreachable` and `Busy` may pass; the others need a person. */
export class TranslationError extends Error {
  readonly code: TranslationErrorCode
  /** Milliseconds after which the service asked to be called again. */
  readonly retryAfter: number | undefined

  constructor(
    code: TranslationErrorCode,
    message: string,
    options: { cause?: unknown; retryAfter?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TranslationError'
    this.code = code
    this.retryAfter = options.retryAfter
  }
}
