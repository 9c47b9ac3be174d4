import type { Broker, Result } from '@ds/core'
import { plainError } from './protocol.ts'
import type { BrokerMethod, FromMember, ToMember } from './protocol.ts'

type AnyCall = (...args: readonly unknown[]) => Promise<unknown>

/** Makes a member's broker calls for it: a thread or process has no connection of its own, so that it works with every broker. */
export class BrokerService {
  readonly #broker: Broker
  readonly #send: (message: ToMember) => void
  readonly #subscriptions = new Map<number, AbortController>()

  constructor(broker: Broker, send: (message: ToMember) => void) {
    this.#broker = broker
    this.#send = send
  }

  async call({ call, method, args }: Extract<FromMember, { type: 'call' }>): Promise<void> {
    try {
      const answer = await callOf(this.#broker, method)(...args)
      this.#send({ type: 'answer', call, value: method === 'submit' ? plainAnswers(answer) : answer })
    } catch (error) {
      this.#send({ type: 'refusal', call, error: plainError(error) })
    }
  }

  async subscribe({ call, subscription, filter }: Extract<FromMember, { type: 'subscribe' }>): Promise<void> {
    const controller = new AbortController()
    this.#subscriptions.set(subscription, controller)
    try {
      const items = await this.#broker.subscribe(filter, { signal: controller.signal })
      this.#send({ type: 'answer', call, value: null })
      for await (const item of items) this.#send({ type: 'item', subscription, item })
      this.#send({ type: 'items-end', subscription })
    } catch (error) {
      this.#send({ type: 'refusal', call, error: plainError(error) })
      this.#send({ type: 'items-end', subscription })
    }
    this.#subscriptions.delete(subscription)
  }

  unsubscribe(subscription: number): void {
    this.#subscriptions.get(subscription)?.abort()
  }

  /** Ends its subscriptions. */
  close(): void {
    for (const controller of this.#subscriptions.values()) controller.abort()
  }
}

function callOf(broker: Broker, method: BrokerMethod): AnyCall {
  const [first, second] = method.split('.')
  const target = second === undefined ? broker : broker.parked
  const call = (target as unknown as Record<string, AnyCall>)[second ?? first ?? '']
  if (!call) throw new TypeError(`A broker has no method ${method}`)
  return call.bind(target)
}

function plainAnswers(answers: unknown): unknown {
  return (answers as Result<unknown>[]).map((answer) =>
    answer.ok ? answer : { ok: false, error: plainError(answer.error) },
  )
}
