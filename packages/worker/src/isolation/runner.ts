import type { AnyTaskDefinition, Outcome } from '@ds/core'
import type { HeldDelivery } from '../held-delivery.ts'

/** A delivery whose task the App knows. */
export type RunnableDelivery = HeldDelivery & { readonly definition: AnyTaskDefinition }

/** A way to run handlers: in this thread, in another one, in another process. */
export interface Runner {
  /** Resolves when it can run; rejects where it never will. */
  start(): Promise<void>
  /** Runs a delivery and gives its outcome. Never rejects. */
  run(held: RunnableDelivery): Promise<Outcome>
  /** Ends what it runs on. Nothing is running any more, or it is given up. */
  stop(): Promise<void>
}
