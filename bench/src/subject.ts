/** What is measured: ours or a peer, in the least code its documentation shows for the same job. */
export interface Subject {
  readonly versions: Readonly<Record<string, string>>
  /** Hands over one task; resolves when it is accepted. */
  submit(args: BenchArgs): Promise<void>
  /** Hands over many in the fastest way there is for many. */
  submitMany(args: readonly BenchArgs[]): Promise<void>
  /** Starts a worker whose handler does nothing but call `onStart`. */
  startWorker(concurrency: number, onStart: (args: BenchArgs) => void): Promise<RunningWorker>
  /** Tasks that are waiting or running. */
  pending(): Promise<number>
  close(): Promise<void>
}

export interface RunningWorker {
  stop(): Promise<void>
}

/** 256 bytes of JSON, with the time it was sent where latency is measured (ns of the machine's monotonic clock, as text). */
export interface BenchArgs {
  readonly n: number
  readonly sentAt?: string
  readonly padding: string
}

const SIZE = 256

/** Args that take 256 bytes as JSON. */
export function benchArgs(n: number, sentAt?: bigint): BenchArgs {
  const bare = { n, ...(sentAt !== undefined && { sentAt: sentAt.toString() }), padding: '' }
  return { ...bare, padding: 'x'.repeat(SIZE - JSON.stringify(bare).length) }
}

/** Milliseconds since a time of {@link benchArgs}. The clock is one for all processes of a machine. */
export function millisecondsSince(sentAt: string): number {
  return Number(process.hrtime.bigint() - BigInt(sentAt)) / 1e6
}

/** How a subject is made. */
export interface SubjectOptions {
  /** Of the server; `memory:` without one. */
  readonly url: string
  /** Unique to this measurement. */
  readonly namespace: string
}

export type OpenSubject = (options: SubjectOptions) => Promise<Subject>
