import { writeFileSync } from 'node:fs'
import type { SerializedError } from 'vitest'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import type { Outcome } from './outcome.ts'

/** Where the reporter leaves the outcomes, as a JSON array of Outcome. */
export const outcomesVariable = 'DS_TEST_OUTCOMES'
/** Set when tests are chosen by name: the others are then not skipped but not asked for. */
export const chosenByNameVariable = 'DS_TEST_CHOSEN_BY_NAME'

const silence = 30_000

/**
 * Tells the outcome of each test to scripts/test.ts, which adds it to those of the static checks. While tests run for
 * long it says on stderr which ones.
 */
export default class OutcomeReporter implements Reporter {
  readonly #running = new Map<string, number>()
  #heartbeat: NodeJS.Timeout | undefined
  #done = 0
  #all = 0

  onTestRunStart(specifications: readonly unknown[]): void {
    this.#all = specifications.length
    this.#heartbeat = setInterval(() => this.#sayWhatRuns(), silence)
    this.#heartbeat.unref()
  }

  onTestCaseReady(test: TestCase): void {
    this.#running.set(test.id, Date.now())
  }

  onTestCaseResult(test: TestCase): void {
    this.#running.delete(test.id)
  }

  onTestModuleEnd(): void {
    this.#done += 1
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    clearInterval(this.#heartbeat)
    const file = process.env[outcomesVariable]
    if (!file) return
    const outcomes = [...modules.flatMap(outcomesOf), ...unhandled.map(unhandledOutcome)]
    writeFileSync(file, JSON.stringify(outcomes))
  }

  #sayWhatRuns(): void {
    const oldest = [...this.#running.entries()].map(([id, since]) => ({ id, seconds: (Date.now() - since) / 1000 }))
    const longest = Math.max(0, ...oldest.map(({ seconds }) => seconds))
    process.stderr.write(
      `tests: ${this.#done} of ${this.#all} files done, ${oldest.length} tests running, the longest for ${longest.toFixed(0)} s\n`,
    )
  }
}

function outcomesOf(module: TestModule): Outcome[] {
  const file = `${module.project.name} ${module.relativeModuleId}`
  const broken = module.errors().map((error): Outcome => ({ name: file, state: 'failed', detail: error.message }))
  const suites = [...module.children.allSuites()].flatMap((suite) =>
    suite
      .errors()
      .map((error): Outcome => ({ name: `${file} > ${suite.fullName}`, state: 'failed', detail: error.message })),
  )
  const tests = [...module.children.allTests()].flatMap((test) => testOutcome(`${file} > ${test.fullName}`, test))
  return [...broken, ...suites, ...tests]
}

function testOutcome(name: string, test: TestCase): Outcome[] {
  const result = test.result()
  switch (result.state) {
    case 'passed':
      return [{ name, state: 'passed', detail: '' }]
    case 'failed':
      return [{ name, state: 'failed', detail: result.errors[0]?.message ?? 'failed without an error' }]
    case 'skipped':
      return skippedOutcome(name, result.note)
    case 'pending':
      return [{ name, state: 'failed', detail: 'it never ended' }]
  }
}

/** A skip is honest only with a reason. */
function skippedOutcome(name: string, reason: string | undefined): Outcome[] {
  if (reason) return [{ name, state: 'skipped', detail: reason }]
  if (process.env[chosenByNameVariable]) return []
  return [{ name, state: 'failed', detail: "skipped without a reason: use context.skip('reason')" }]
}

function unhandledOutcome(error: SerializedError): Outcome {
  return { name: 'unhandled error', state: 'failed', detail: error.message }
}
