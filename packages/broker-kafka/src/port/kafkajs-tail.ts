import type { KafkajsLink } from './kafkajs-link.ts'
import type { LoopState, StartOffset, Tail, TailOptions, TopicPartition } from './log-port.ts'
import { Reader } from './reader.ts'

const MAX_BYTES_PER_PARTITION = 1024 * 1024

/** Reads the partitions it was told to, over connections of its own. */
export class KafkajsTail implements Tail {
  readonly #link: KafkajsLink
  readonly #reader: Reader
  readonly #topic: string
  readonly #onClose: (tail: KafkajsTail) => void

  constructor(link: KafkajsLink, options: TailOptions, onClose: (tail: KafkajsTail) => void) {
    const { topic, maxBytesPerPartition = MAX_BYTES_PER_PARTITION, onBatch, onSkipped, onError } = options
    this.#link = link
    this.#topic = topic
    this.#onClose = onClose
    this.#reader = new Reader({ link, name: `tail ${topic}`, maxBytesPerPartition, onBatch, onSkipped, onError })
  }

  setPartitions(starts: ReadonlyMap<number, StartOffset>): void {
    for (const place of this.#reader.places()) if (!starts.has(place.partition)) this.#reader.stop(place)
    for (const [partition, start] of starts) {
      if (!this.#reader.reads(this.#place(partition))) this.#reader.read(this.#place(partition), start)
    }
  }

  seek(partition: number, start: StartOffset): void {
    this.#reader.read(this.#place(partition), start)
  }

  pause(partitions: readonly number[]): void {
    this.#reader.pause(partitions.map((partition) => this.#place(partition)))
  }

  resume(partitions: readonly number[]): void {
    this.#reader.resume(partitions.map((partition) => this.#place(partition)))
  }

  skip(partition: number, offset: number): void {
    this.#reader.skip(this.#place(partition), offset)
  }

  positions(): ReadonlyMap<number, number | undefined> {
    return new Map(this.#reader.places().map((place) => [place.partition, this.#reader.positionOf(place)]))
  }

  lastAnswerAt(): number | undefined {
    return this.state().lastAnswerAt
  }

  state(): LoopState {
    return this.#reader.state()
  }

  async close(): Promise<void> {
    this.#reader.close()
    this.#link.close()
    this.#onClose(this)
  }

  #place(partition: number): TopicPartition {
    return { topic: this.#topic, partition }
  }
}
