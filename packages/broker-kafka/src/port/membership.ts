import type { Buffer } from 'node:buffer'
import type { KafkajsLink } from './kafkajs-link.ts'
import type { NativeBroker, NativeJoined } from './kafkajs-native.ts'
import type { LogPosition, TopicPartition } from './log-port.ts'
import { byTopic, offsetsByName } from './offsets.ts'
import { decodeShare, decodeSubscription, encodeShare, encodeSubscription, share, SHARING } from './sharing.ts'

/** Which group, and how. */
export interface MembershipOptions {
  readonly link: KafkajsLink
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeout: number
}

const TIMEOUT = 5000

/** The requests of a member of a group, and what it must remember between them. It decides nothing. */
export class Membership {
  readonly #options: MembershipOptions
  #coordinator: number | undefined
  #member = ''
  #generation = -1

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /** Whether the group knows this member. */
  get isIn(): boolean {
    return this.#generation >= 0
  }

  /** Joins, deals if it is this member's turn, and answers with its own share. */
  async join(owned: readonly TopicPartition[]): Promise<TopicPartition[]> {
    const { link, group, topics, sessionTimeout } = this.#options
    await link.watch(topics)
    const joined = await this.#ask('JoinGroup', sessionTimeout + TIMEOUT, (broker) =>
      broker.joinGroup({
        groupId: group,
        sessionTimeout,
        rebalanceTimeout: sessionTimeout,
        memberId: this.#member,
        groupProtocols: [{ name: SHARING, metadata: encodeSubscription(topics, owned) }],
      }),
    )
    this.#member = joined.memberId
    const groupAssignment = joined.leaderId === joined.memberId ? await this.#deal(joined) : []
    const { generationId } = joined
    const { memberAssignment } = await this.#ask('SyncGroup', sessionTimeout + TIMEOUT, (broker) =>
      broker.syncGroup({ groupId: group, generationId, memberId: joined.memberId, groupAssignment }),
    )
    this.#generation = generationId
    return decodeShare(memberAssignment)
  }

  async heartbeat(): Promise<void> {
    const request = { groupId: this.#options.group, groupGenerationId: this.#generation, memberId: this.#member }
    await this.#ask('Heartbeat', TIMEOUT, (broker) => broker.heartbeat(request))
  }

  async commit(positions: readonly LogPosition[]): Promise<void> {
    const topics = byTopic(positions, ({ partition, offset }) => ({ partition, offset: String(offset) }))
    const { group } = this.#options
    const request = { groupId: group, groupGenerationId: this.#generation, memberId: this.#member, topics }
    await this.#ask('OffsetCommit', TIMEOUT, (broker) => broker.offsetCommit(request))
  }

  /** Where partitions were left, by name; those that never were are missing. */
  async committed(places: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>> {
    if (places.length === 0) return new Map()
    const topics = byTopic(places, ({ partition }) => ({ partition }))
    const { responses } = await this.#ask('OffsetFetch', TIMEOUT, (broker) =>
      broker.offsetFetch({ groupId: this.#options.group, topics }),
    )
    const offsets = offsetsByName(responses)
    return new Map([...offsets].filter(([, offset]) => offset >= 0))
  }

  /** Tells the group, as far as it can be told within `timeout` ms. */
  async leave(timeout: number): Promise<void> {
    const [groupId, memberId] = [this.#options.group, this.#member]
    this.forget()
    if (memberId === '' || this.#coordinator === undefined) return
    await this.#ask('LeaveGroup', timeout, (broker) => broker.leaveGroup({ groupId, memberId }))
  }

  /** The group deals anew; the member keeps its name. */
  stepOut(): void {
    this.#generation = -1
  }

  /** The group does not know this member any more. */
  forget(): void {
    this.#member = ''
    this.#generation = -1
  }

  /** The group may be kept by another server now. */
  forgetCoordinator(): void {
    this.#coordinator = undefined
  }

  async #deal({ members }: NativeJoined): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const { link } = this.#options
    const sharers = members.map(({ memberId, memberMetadata }) => decodeSubscription(memberId, memberMetadata))
    const topics = [...new Set(sharers.flatMap((sharer) => sharer.topics))]
    await link.watch(topics)
    await link.refresh()
    const counts = new Map(topics.map((topic) => [topic, link.topic(topic)?.partitions.length ?? 0]))
    return [...share(sharers, counts)].map(([memberId, part]) => ({ memberId, memberAssignment: encodeShare(part) }))
  }

  async #ask<Answer>(
    what: string,
    timeout: number,
    request: (broker: NativeBroker) => Promise<Answer>,
  ): Promise<Answer> {
    this.#coordinator ??= await this.#findCoordinator()
    return this.#options.link.ask(this.#coordinator, { what, timeout }, request)
  }

  async #findCoordinator(): Promise<number> {
    const { link, group } = this.#options
    const request = { groupId: group, coordinatorType: 0 as const }
    const { coordinator } = await link.askAny({ what: 'FindCoordinator', timeout: TIMEOUT }, (broker) =>
      broker.findGroupCoordinator(request),
    )
    return coordinator.nodeId
  }
}
