import type {
  AppDescription,
  Broker,
  BrokerCapabilities,
  BrokerHealth,
  ParkedStore,
  RemoveAnswer,
  Task,
  TaskCounts,
  TaskPage,
  TaskQuery,
} from '@ds/core'
import { Broken, sharedBy } from './broken-broker.ts'
import type { BrokenBroker } from './broken-broker.ts'

type Listing = (query: TaskQuery, inner: Broker) => Promise<TaskPage>

function withListing(list: Listing): (broker: Broker) => Broker {
  return (broker) =>
    new (class extends Broken {
      override list(query: TaskQuery): Promise<TaskPage> {
        return list(query, this.inner)
      }
    })(broker)
}

class CountsFromACache extends Broken {
  #counted: { readonly counts: TaskCounts; readonly at: number } | undefined

  override async counts(): Promise<TaskCounts> {
    const now = performance.now()
    if (!this.#counted || now - this.#counted.at > 100) this.#counted = { counts: await this.inner.counts(), at: now }
    return this.#counted.counts
  }
}

class CountsNoDelays extends Broken {
  override async counts(): Promise<TaskCounts> {
    return { ...(await this.inner.counts()), delayed: 0 }
  }
}

class RemovesNothing extends Broken {
  override async remove(id: string): Promise<RemoveAnswer> {
    const [task] = await this.inner.get([id])
    if (!task) return 'unknown'
    return task.completedAt === undefined ? 'active' : 'removed'
  }
}

class GetsWithoutGaps extends Broken {
  override async get(ids: readonly string[]): Promise<(Task | undefined)[]> {
    return (await this.inner.get(ids)).filter((task) => task !== undefined)
  }
}

class AddsAppsUp extends Broken {
  override async announce(app: AppDescription): Promise<void> {
    this.#announced().push(app)
  }

  override async apps(): Promise<AppDescription[]> {
    return [...this.#announced()]
  }

  #announced(): AppDescription[] {
    return sharedBy(this.inner, 'apps', (): AppDescription[] => [])
  }
}

const APPS_OF_ALL: AppDescription[] = []

class SharesAppsOfAllNamespaces extends Broken {
  override async announce(app: AppDescription): Promise<void> {
    APPS_OF_ALL.push(app)
  }

  override async apps(): Promise<AppDescription[]> {
    return [...APPS_OF_ALL]
  }
}

class ParksNothing extends Broken {
  override get parked(): ParkedStore {
    return { ...super.parked, list: async () => ({ items: [] }) }
  }
}

class IsUnhealthyWhenIdle extends Broken {
  override async health(): Promise<BrokerHealth> {
    return { ...(await this.inner.health()), ok: false }
  }
}

class DeclaresNoQueueLimit extends Broken {
  override get capabilities(): BrokerCapabilities {
    return { ...this.inner.capabilities, queueLimit: false }
  }
}

export const brokenStores: readonly BrokenBroker[] = [
  {
    name: 'skips the last task of a page',
    rule: 'list-complete',
    cases: ['store: pages of every size hold every task once'],
    wrap: withListing(async (query, inner) => {
      const page = await inner.list(query)
      return page.cursor ? { ...page, tasks: page.tasks.slice(0, -1) } : page
    }),
  },
  {
    name: 'pages by position',
    rule: 'list-complete',
    cases: ['store: pages hold every task once while states change'],
    wrap: withListing(async (query, inner) => {
      const { cursor, ...rest } = query
      const all = (await inner.list({ ...rest, limit: 1000 })).tasks
      const from = cursor ? cursor.createdAt : 0
      const tasks = all.slice(from, from + query.limit)
      const next = { createdAt: from + query.limit, id: 'position' }
      return from + query.limit < all.length ? { tasks, cursor: next } : { tasks }
    }),
  },
  {
    name: 'lists the oldest of a page first',
    rule: 'list-order',
    cases: ['store: the newest are listed first'],
    wrap: withListing(async (query, inner) => {
      const page = await inner.list(query)
      return { ...page, tasks: page.tasks.toReversed() }
    }),
  },
  {
    name: 'ignores a second filter',
    rule: 'list-filters',
    cases: ['store: filters hold, alone and together'],
    wrap: withListing(({ group, ...query }, inner) =>
      inner.list(query.states || group === undefined ? query : { ...query, group }),
    ),
  },
  {
    name: 'counts from a cache',
    rule: 'own-writes',
    cases: ['store: own writes are read at once'],
    wrap: (broker) => new CountsFromACache(broker),
  },
  {
    name: 'counts no delays',
    rule: 'counts',
    cases: ['store: counts follow every change'],
    wrap: (broker) => new CountsNoDelays(broker),
  },
  {
    name: 'removes nothing',
    rule: 'remove',
    cases: ['store: what is removed is gone, and its id free'],
    wrap: (broker) => new RemovesNothing(broker),
  },
  {
    name: 'leaves out unknown ids',
    rule: 'get',
    cases: ['store: get answers in the order of the ids'],
    wrap: (broker) => new GetsWithoutGaps(broker),
  },
  {
    name: 'keeps finished tasks for ever',
    rule: 'retention',
    cases: ['store: finished tasks go after their age', 'store: over the count the oldest finished tasks go'],
    wrap: (broker) => broker,
    options: ({ retention: _retention, ...options }) => options,
  },
  {
    name: 'takes any limit of payloads for the usual one',
    rule: 'payload-limit',
    cases: ['submit: args and results as large as the limit are taken'],
    wrap: (broker) => broker,
    options: ({ maxPayload: _limit, ...options }) => options,
  },
  {
    name: 'adds Apps up',
    rule: 'apps',
    cases: ['lifecycle: an App that is announced again is replaced'],
    wrap: (broker) => new AddsAppsUp(broker),
  },
  {
    name: 'shares the Apps of all namespaces',
    rule: 'namespaces',
    cases: ['lifecycle: namespaces do not see each other'],
    wrap: (broker) => new SharesAppsOfAllNamespaces(broker),
  },
  {
    name: 'drops garbage silently',
    rule: 'parked',
    cases: ['garbage: bytes that are no task are parked, and the loop goes on'],
    wrap: (broker) => new ParksNothing(broker),
  },
  {
    name: 'is unhealthy when idle',
    rule: 'health',
    cases: ['lifecycle: an idle broker is healthy'],
    wrap: (broker) => new IsUnhealthyWhenIdle(broker),
  },
  {
    name: 'declares no queue limit and takes one',
    rule: 'queue-limit',
    cases: ['submit: a full queue refuses task by task'],
    wrap: (broker) => new DeclaresNoQueueLimit(broker),
  },
]
