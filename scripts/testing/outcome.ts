/** How one case ended: a test, a static check or a check of a package. */
export interface Outcome {
  readonly name: string
  readonly state: 'passed' | 'failed' | 'skipped'
  /** Why it failed, or why it was skipped; empty for a case that passed. */
  readonly detail: string
}

/** The closing line: it stands alone, and a reader that knows no TypeScript can count with it. */
export function closingLine(outcomes: readonly Outcome[]): string {
  const count = (state: Outcome['state']): number => outcomes.filter((outcome) => outcome.state === state).length
  const skipped = count('skipped')
  return `${count('passed')} passed, ${count('failed')} failed` + (skipped > 0 ? `, ${skipped} skipped` : '')
}

/** Green means that something ran and nothing failed. */
export function exitCode(outcomes: readonly Outcome[]): 0 | 1 {
  const failed = outcomes.some((outcome) => outcome.state === 'failed')
  const passed = outcomes.some((outcome) => outcome.state === 'passed')
  return failed || !passed ? 1 : 0
}

/** What a person reads at the end: each skip with its reason, each failure with its first lines, the closing line. */
export function summary(outcomes: readonly Outcome[]): string {
  const lines = [
    ...section('Skipped', outcomes, 'skipped'),
    ...section('Failed', outcomes, 'failed'),
    ...(outcomes.some((outcome) => outcome.state !== 'skipped')
      ? []
      : ['', 'Nothing ran: does the filter match a test?']),
  ]
  return [...lines, '', closingLine(outcomes), ''].join('\n')
}

function section(title: string, outcomes: readonly Outcome[], state: Outcome['state']): string[] {
  const found = outcomes.filter((outcome) => outcome.state === state)
  if (found.length === 0) return []
  return ['', `${title}:`, ...found.map((outcome) => `  ${outcome.name}: ${firstLines(outcome.detail)}`)]
}

function firstLines(text: string): string {
  const lines = text.trim().split('\n').slice(0, 3)
  return lines.join('\n    ')
}
