import { DsError } from '@ds/core'
import type {
  AbortKind,
  BrokerCapabilities,
  Delivery,
  ErrorCode,
  EventFilter,
  Outcome,
  SubscriptionItem,
  TaskError,
} from '@ds/core'

/** What a thread or process is told once, at its start. */
export interface MemberInit {
  /** Where its App is loaded from: a file or a package. */
  readonly appModule: string
  readonly maxPayload: number
  readonly broker: { readonly name: string; readonly address: string; readonly capabilities: BrokerCapabilities }
}

/** What a worker says to a thread or process of its. Everything here is plain data. */
export type ToMember =
  | { readonly type: 'start'; readonly init: MemberInit }
  | { readonly type: 'run'; readonly run: number; readonly delivery: Delivery }
  | { readonly type: 'abort'; readonly run: number; readonly kind: AbortKind; readonly message: string }
  | { readonly type: 'resumed'; readonly run: number }
  | { readonly type: 'answer'; readonly call: number; readonly value: unknown }
  | { readonly type: 'refusal'; readonly call: number; readonly error: PlainError }
  | { readonly type: 'item'; readonly subscription: number; readonly item: SubscriptionItem }
  | { readonly type: 'items-end'; readonly subscription: number }
  | { readonly type: 'stop' }

/** What a thread or process says to its worker. */
export type FromMember =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly error: TaskError }
  /** The handler is about to be called: from here on a death is the task's. */
  | { readonly type: 'begun'; readonly run: number }
  | { readonly type: 'progress'; readonly run: number; readonly progress: number }
  | { readonly type: 'flush'; readonly run: number }
  | { readonly type: 'suspend'; readonly run: number }
  | { readonly type: 'resume'; readonly run: number }
  | { readonly type: 'outcome'; readonly run: number; readonly outcome: Outcome }
  | ({ readonly type: 'log' } & LogLine)
  | { readonly type: 'call'; readonly call: number; readonly method: BrokerMethod; readonly args: readonly unknown[] }
  | { readonly type: 'subscribe'; readonly call: number; readonly subscription: number; readonly filter: EventFilter }
  | { readonly type: 'unsubscribe'; readonly subscription: number }

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** The calls of a broker that a handler's manager makes, and that its worker makes for it. */
export const BROKER_METHODS = [
  'submit',
  'cancel',
  'retry',
  'get',
  'list',
  'counts',
  'args',
  'result',
  'errors',
  'remove',
  'announce',
  'apps',
  'health',
] as const
export const PARKED_METHODS = ['list', 'read', 'remove', 'replay'] as const
export type BrokerMethod = (typeof BROKER_METHODS)[number] | `parked.${(typeof PARKED_METHODS)[number]}`

/** An error on its way from one thread or process to another. */
export interface PlainError {
  readonly code?: ErrorCode
  readonly name: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), fields: {} }
  const { name, message } = error
  const known = Object.entries(error).filter(([, value]) => isPlain(value))
  return { name, message, fields: Object.fromEntries(known), ...(DsError.is(error) && { code: error.code }) }
}

/** The error again. One of ours is recognised by `DsError.is`, not by its class. */
export function errorOf({ code, name, message, fields }: PlainError): Error {
  const error = code === undefined ? new Error(message) : new DsError(code, message)
  return Object.assign(error, { name }, fields)
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || Array.isArray(value)
}
