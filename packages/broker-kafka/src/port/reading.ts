import type { LogBatch, LogPosition, StartOffset, TopicPartition } from './log-port.ts'

/** One partition that is read. An object of its own for each start: what was asked for by a former one is recognised and dropped. */
export interface Reading extends TopicPartition {
  /** Where it begins, until `position` is known. */
  readonly start: StartOffset
  /** The offset to read next. */
  position: number | undefined
  paused: boolean
  /** Whether a request for it is under way. */
  asked: boolean
  /** Whether anything was handed over, be it only that there is nothing. */
  told: boolean
  /** What came while it was paused. */
  held: LogBatch | undefined
}

/** What a reader tells. */
export interface ReaderHandlers {
  readonly onBatch: (batch: LogBatch) => void
  readonly onSkipped?: ((position: LogPosition) => void) | undefined
  readonly onError?: ((error: Error) => void) | undefined
}

/** The partitions that are read, by topic and number. */
export class Readings {
  readonly #topics = new Map<string, Map<number, Reading>>()

  get({ topic, partition }: TopicPartition): Reading | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  has(reading: Reading): boolean {
    return this.get(reading) === reading
  }

  set(place: TopicPartition, start: StartOffset, paused: boolean): Reading {
    const { topic, partition } = place
    const position = typeof start === 'number' ? start : undefined
    const reading: Reading = { topic, partition, start, position, paused, asked: false, told: false, held: undefined }
    const partitions = this.#topics.get(topic) ?? new Map<number, Reading>()
    this.#topics.set(topic, partitions.set(partition, reading))
    return reading
  }

  setPaused(places: readonly TopicPartition[], paused: boolean): void {
    for (const place of places) {
      const reading = this.get(place)
      if (reading) reading.paused = paused
    }
  }

  delete({ topic, partition }: TopicPartition): void {
    const partitions = this.#topics.get(topic)
    partitions?.delete(partition)
    if (partitions?.size === 0) this.#topics.delete(topic)
  }

  clear(): void {
    this.#topics.clear()
  }

  topics(): string[] {
    return [...this.#topics.keys()]
  }

  *all(): Generator<Reading> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }
}
