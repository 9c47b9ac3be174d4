import type { Broker } from './broker.ts'

/** Options every adapter takes besides its own. */
export interface BrokerOptions {
  /** `[a-z0-9-]{1,48}`, default `default`. Namespaces on one server do not see each other. */
  readonly namespace?: string
  /** How long finished tasks are kept. Default: a week. */
  readonly retention?: Retention
  /** Bytes of encoded args, and of an encoded result. Default 512 KiB; never above what the server takes. */
  readonly maxPayload?: number
  /** Refuse to connect where the server's settings make durability `weak`. */
  readonly requireDurable?: boolean
}

/** Finished tasks go when they are older than `age` (ms), and when there are more than `count` of them, the oldest first. */
export interface Retention {
  readonly age?: number
  readonly count?: number
}

/** What an adapter package exports under the name `adapter`: how a URL or options become a broker. */
export interface BrokerAdapter<Options extends BrokerOptions = BrokerOptions> {
  readonly name: string
  /** URL schemes without the colon. */
  readonly schemes: readonly string[]
  /**
   * Checks the options and makes a broker that is not connected yet. `url` wins over the options' own address. Throws
   * `ConfigInvalidError` at once for what cannot work.
   */
  create(options: Options & { readonly url?: string }): Broker
}
