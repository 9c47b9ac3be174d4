import type { BrokerOptions, Retention } from './broker-adapter.ts'
import { DEFAULT_MAX_PAYLOAD, DEFAULT_RETENTION } from './capabilities.ts'
import { ConfigInvalidError, NotSupportedError } from '../errors.ts'
import { checkKeys } from '../known-keys.ts'
import { checkLabel } from '../names.ts'

/** The options that all brokers take, checked and complete. */
export interface ResolvedBrokerOptions {
  readonly namespace: string
  /** Empty: finished tasks are kept for ever. */
  readonly retention: Retention
  /** Bytes. */
  readonly maxPayload: number
  readonly requireDurable: boolean
}

/** What an adapter says of itself and its options. */
export interface BrokerKind<Options extends BrokerOptions = BrokerOptions> {
  /** As messages name it, as in `Redis`. */
  readonly broker: string
  /** Whether it can keep a number of finished tasks: as in its capabilities. */
  readonly retentionByCount: boolean
  /** The options it takes besides those of all brokers, each by its name. */
  readonly own: Readonly<Record<Exclude<keyof Options, keyof BrokerOptions>, true>>
}

const SHARED: Readonly<Record<keyof BrokerOptions, true>> = {
  namespace: true,
  retention: true,
  maxPayload: true,
  requireDurable: true,
}

/**
 * Checks the options that all brokers take, for an adapter, and that there are no others than these and its own.
 *
 * @throws ConfigInvalidError for what cannot work; NotSupportedError for `retention.count` where the broker does not count.
 */
export function resolveBrokerOptions<Options extends BrokerOptions>(
  options: Options,
  { broker, retentionByCount, own }: BrokerKind<Options>,
): ResolvedBrokerOptions {
  checkKeys(options, Object.keys({ ...own, ...SHARED }), `the options of the ${broker} broker`)
  const { namespace = 'default', retention = DEFAULT_RETENTION, maxPayload, requireDurable = false } = options
  const invalid = (name: string, value: unknown, fix: string): ConfigInvalidError =>
    new ConfigInvalidError(`The option ${name} of the ${broker} broker cannot be ${JSON.stringify(value)}`, { fix })
  const whole = (name: string, value: unknown, least: number): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
    throw invalid(name, value, `Give a whole number from ${least} on`)
  }
  if (typeof retention !== 'object' || retention === null)
    throw invalid('retention', retention, 'Give an object such as { age: 604800000 }, in milliseconds')
  const { age, count } = checkRetention(retention, { broker, retentionByCount })
  if (typeof requireDurable !== 'boolean') throw invalid('requireDurable', requireDurable, 'Give true or false')
  return {
    namespace: checkLabel('namespace', namespace),
    retention: {
      ...(age !== undefined && { age: whole('retention.age', age, 0) }),
      ...(count !== undefined && { count: whole('retention.count', count, 0) }),
    },
    maxPayload: whole('maxPayload', maxPayload ?? DEFAULT_MAX_PAYLOAD, 1),
    requireDurable,
  }
}

function checkRetention(
  retention: Retention,
  { broker, retentionByCount }: Pick<BrokerKind, 'broker' | 'retentionByCount'>,
): Retention {
  checkKeys(retention, ['age', 'count'], `retention of the ${broker} broker`)
  if (retention.count === undefined || retentionByCount) return retention
  throw new NotSupportedError(`The ${broker} broker cannot keep a number of finished tasks (retention.count)`, {
    fix: 'Use retention.age',
  })
}
