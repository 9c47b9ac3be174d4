import { guardBroker } from '@ds/core'
import type { BrokerUnderTest } from './broker-under-test.ts'
import { CaseContext, CaseSkipped } from './case-context.ts'
import type { RunSettings } from './case-context.ts'
import { CheckFailed, equal } from './check.ts'
import { DEFAULT_TIMEOUT, fullName } from './conformance-case.ts'
import type { ConformanceCase, Need } from './conformance-case.ts'
import { within } from './faults/waiting.ts'
import type { FaultReport } from './report.ts'
import { defaultTolerances, tolerancesUnderLoad } from './tolerances.ts'

/** How one case went. */
export interface CaseResult {
  /** Its full name, `group: name`. */
  readonly name: string
  readonly verdict: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly why?: string
  /** What made it fail. */
  readonly error?: unknown
  /** What it broke on purpose, and how long the broker took to be itself again. */
  readonly faults: readonly FaultReport[]
  /** Its end, in which it cleans up, included. 0 when skipped. */
  readonly milliseconds: number
}

/** How hard a run is, and how patient with it. */
export interface PrepareOptions {
  /** Factor by which times and tolerances grow, where other runs share the machine. Default 1. */
  readonly load?: number
  /** `full`: every case at the size it is named after; `test`: smaller, for a run of all tests. Default `test`. */
  readonly scale?: 'test' | 'full'
}

/** Connects once to learn what the broker can do, and what is tolerated of it. */
export async function prepareRun(target: BrokerUnderTest, options: PrepareOptions = {}): Promise<RunSettings> {
  const broker = guardBroker(target.create({ namespace: 'kit-probe' }))
  try {
    await broker.connect({ timeout: 30_000 })
    const capabilities = { ...broker.capabilities }
    const load = options.load ?? 1
    const tolerances = { ...defaultTolerances(capabilities), ...target.tolerances }
    return {
      target,
      capabilities,
      tolerances: tolerancesUnderLoad(tolerances, load),
      load,
      scale: options.scale ?? 'test',
    }
  } finally {
    await broker.close()
  }
}

/** Runs one case to its end, cleaned up; never rejects. */
export async function runCase(each: ConformanceCase, settings: RunSettings): Promise<CaseResult> {
  const name = fullName(each)
  const reason = settings.target.skip?.[name] ?? unmetNeed(each, settings)
  if (reason !== undefined) return { name, verdict: 'skipped', why: reason, faults: [], milliseconds: 0 }
  const started = performance.now()
  const context = new CaseContext(settings, each.group)
  const failure = await failureOf(each, context)
  // Also after a failure or a skip: what a case leaves open would keep the process, and disturb the cases behind it.
  const failureAtEnd = await failureOfEnd(context)
  const error = failure ?? failureAtEnd
  const result = {
    name,
    faults: context.faults.map((fault) => ({ case: name, ...fault })),
    milliseconds: Math.round(performance.now() - started),
  }
  if (error === undefined) return { ...result, verdict: 'passed' }
  if (error instanceof CaseSkipped) return { ...result, verdict: 'skipped', why: error.message }
  return { ...result, verdict: 'failed', why: messageOf(error), error }
}

/** Milliseconds a case may take, its end not included. */
export function timeoutOf(each: ConformanceCase, load: number): number {
  return (each.timeout ?? DEFAULT_TIMEOUT) * load
}

/** Skips of cases that do not exist would go unnoticed for ever. */
export function checkSkips(target: BrokerUnderTest, cases: readonly ConformanceCase[]): void {
  const known = cases.map(fullName)
  const unknown = Object.keys(target.skip ?? {}).filter((name) => !known.includes(name))
  equal(unknown, [], 'skipped cases that the kit does not have')
}

async function failureOf(each: ConformanceCase, context: CaseContext): Promise<unknown> {
  const { load, longest = Infinity } = context.settings
  const timeout = Math.min(longest, timeoutOf(each, load))
  try {
    const ended = await within(
      each.run(context).then(() => true),
      timeout,
    )
    return ended ? undefined : new CheckFailed(`It did not end within ${timeout / 1000} s; last ${context.step}`)
  } catch (error) {
    return error ?? new CheckFailed('It failed without an error')
  }
}

async function failureOfEnd(context: CaseContext): Promise<unknown> {
  try {
    await context.end()
    return undefined
  } catch (error) {
    return error
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

function unmetNeed(each: ConformanceCase, { target, capabilities }: RunSettings): string | undefined {
  const reasons: Record<Need, string | undefined> = {
    shared: capabilities.shared ? undefined : 'its tasks live in one process (capabilities.shared is false)',
    persistent: capabilities.persistent
      ? undefined
      : 'its tasks end with its process (capabilities.persistent is false)',
    child: target.child ? undefined : 'the target names no module for child processes (child)',
    server: target.startServer ? undefined : 'the target has no server that may be broken (startServer)',
    garbage: target.garbage ? undefined : 'the target has no tool to put garbage into the server (garbage)',
    unreachable: target.unreachable ? undefined : 'the target names no server that is not there (unreachable)',
    refused: target.refused ? undefined : 'the target names no server that refuses (refused)',
    footprint: target.footprint ? undefined : 'the target has no tool to measure what the server holds (footprint)',
  }
  for (const need of each.needs ?? []) if (reasons[need] !== undefined) return reasons[need]
  return undefined
}
