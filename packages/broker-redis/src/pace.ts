/** Most tasks that a consumer claims beyond those it was asked for. */
export const MOST_AHEAD = 32

/** Tasks that end sooner than this on average are claimed ahead. Milliseconds. */
const QUICK = 1

/** What a consumer knows before it has seen any end: that it takes long. Milliseconds. */
const UNKNOWN = 100

const WEIGHT = 0.1

/**
 * How soon the tasks of a consumer end. A worker of few slots and its server would work in turns; where its tasks end within a round
 * trip, as many are claimed ahead as it has slots, so that they work side by side. With many slots they do in any case, by halves,
 * and where tasks take longer nothing is won: nothing is claimed ahead then.
 */
export class Pace {
  #average = UNKNOWN
  /** The most that was asked for: how many slots there are. */
  #most = 0

  /** So many tasks ended so long after they were handed out, on average. Milliseconds. */
  note(count: number, duration: number): void {
    const weight = 1 - (1 - WEIGHT) ** count
    this.#average += (duration - this.#average) * weight
  }

  /** What was claimed ahead was not wanted in time. */
  reset(): void {
    this.#average = UNKNOWN
  }

  get mayClaimAhead(): boolean {
    return this.#average < QUICK && 2 * this.#most <= MOST_AHEAD
  }

  /** How many should be at hand or on their way when `max` are asked for. */
  target(max: number): number {
    this.#most = Math.max(this.#most, max)
    return this.mayClaimAhead ? 2 * this.#most : max
  }
}
