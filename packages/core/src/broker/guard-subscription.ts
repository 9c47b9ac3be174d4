import { DsError } from '../errors.ts'
import { RESYNC } from '../events.ts'
import type { SubscriptionItem } from '../events.ts'
import { Patience } from '../patience.ts'

/** Goes on with a new subscription where one breaks, and says with {@link RESYNC} that events may be missing between them. */
export async function* resubscribing(
  first: AsyncIterable<SubscriptionItem>,
  open: () => Promise<AsyncIterable<SubscriptionItem>>,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionItem, void> {
  let subscription: AsyncIterable<SubscriptionItem> | undefined = first
  const patience = new Patience()
  while (!signal.aborted) {
    try {
      subscription ??= await open()
      if (subscription !== first) yield RESYNC
      yield* subscription
      return
    } catch (error) {
      if (!DsError.is(error, 'BrokerUnavailable')) throw error
      subscription = undefined
      await patience.wait(signal)
    }
  }
}
