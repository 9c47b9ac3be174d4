import type { Serializable } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LineCollector } from './line-collector.ts'
import type { LineMatch, LineWait } from './line-collector.ts'
import { WatchedProcess } from './watched-process.ts'
import { waitUntil } from './waiting.ts'

/** How a script is started. */
export interface ChildOptions {
  /** What the script reads from `process.argv`. */
  arguments?: readonly string[]
  /** Added to this process's own environment. */
  environment?: Readonly<Record<string, string>>
  /** For Node itself: `['--max-old-space-size=256']`. */
  nodeArguments?: readonly string[]
  workingDirectory?: string
}

/**
 * A Node script in a process of its own: a worker or a submitter that a test kills, stops and lets go on.
 *
 * What it printed is kept line by line. A line that was printed before a SIGKILL is there: on POSIX systems Node writes to
 * a pipe before `console.log` returns, so a printed line is the safe place to say "this was acknowledged".
 */
export class ChildScript extends WatchedProcess {
  /** What came over the message channel (`process.send` in the script), in order. */
  readonly messages: unknown[] = []
  readonly #lines = new LineCollector()

  /** Prefer `startChild`. */
  constructor(script: string | URL, options: ChildOptions) {
    const { nodeArguments = [], arguments: parameters = [], environment, workingDirectory } = options
    super({
      command: process.execPath,
      arguments: [...nodeArguments, script instanceof URL ? fileURLToPath(script) : script, ...parameters],
      channel: true,
      ...(environment === undefined ? {} : { environment }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
    })
    this.child.stdout?.on('data', (chunk: Buffer) => this.#lines.add(chunk))
    this.child.on('message', (message) => this.messages.push(message))
    void this.exited.then(() => this.#lines.end())
  }

  /** What the script printed to its standard output so far. */
  get lines(): readonly string[] {
    return this.#lines.lines
  }

  /**
   * The first line of the standard output that matches: already printed, or to come.
   *
   * @throws Error when it did not come in time or the script ended without it; the message shows the last lines.
   */
  waitForLine(match: LineMatch, wait: LineWait = {}): Promise<string> {
    return this.#lines.waitFor(match, wait)
  }

  /**
   * The first message that passes the test: already there, or to come.
   *
   * @throws Error when it did not come within `timeoutMs` (default 10,000).
   */
  async waitForMessage(passes: (message: unknown) => boolean, timeoutMs = 10_000): Promise<unknown> {
    const what = `a message from ${this.command}`
    const found = await waitUntil(() => this.messages.filter(passes).slice(0, 1).map(wrap)[0], { what, timeoutMs })
    return found.message
  }

  /**
   * Sends a message that the script gets with `process.on('message')`.
   *
   * @throws Error when the script has ended or closed its channel.
   */
  async send(message: Serializable): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.child.send(message, (error) => (error === null ? resolve() : reject(error)))
    await promise
  }
}

// A message may itself be undefined or false, which `waitUntil` takes for "not yet".
function wrap(message: unknown): { message: unknown } {
  return { message }
}

/** Starts a Node script that cannot outlive this process. Resolves when it has begun; wait for a line to know it is ready. */
export async function startChild(script: string | URL, options: ChildOptions = {}): Promise<ChildScript> {
  const child = new ChildScript(script, options)
  await child.open()
  return child
}
