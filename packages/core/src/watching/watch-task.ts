import { Follower } from './follower.ts'
import type { TaskFollowers } from './task-followers.ts'
import { isFinal } from '../tasks/task.ts'
import { Watch } from './watch.ts'
import type { WatchOptions, WatchSource } from './watch.ts'

/** A loop over one task: as it is now, then each change, up to its end. */
export function watchTask(followers: TaskFollowers, id: string, options: WatchOptions): Watch {
  return new Watch(new OneTask(followers, id), options)
}

class OneTask implements WatchSource {
  readonly #followers: TaskFollowers
  readonly #id: string
  #follower: Follower | undefined

  constructor(followers: TaskFollowers, id: string) {
    this.#followers = followers
    this.#id = id
  }

  start(watch: Watch): void {
    this.#follower = new Follower(this.#id, {
      onNews: (event) => {
        watch.push(event)
        if (isFinal(event.state)) watch.end()
      },
      onEnd: (error) => watch.end(error),
    })
    void this.#followers.add(this.#follower)
  }

  stop(): void {
    if (this.#follower) this.#followers.delete(this.#follower)
  }

  accepts(): boolean {
    return true
  }

  /** Events of one task merge into the newest, so none are ever without room. */
  async readAgain(): Promise<[]> {
    return []
  }
}
