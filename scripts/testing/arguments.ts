/** What `npm test -- ARGS` asks for. */
export interface TestArguments {
  /** Only what needs no server. */
  readonly quick: boolean
  /** Static checks too: unless tests were chosen, which asks for a fast answer about those. */
  readonly staticChecks: boolean
  readonly chosenByName: boolean
  /** Handed on to vitest as they are. */
  readonly vitest: readonly string[]
}

export function readTestArguments(args: readonly string[]): TestArguments {
  const own = new Set(['--quick', '--no-static'])
  const vitest = args.filter((argument) => !own.has(argument))
  return {
    quick: args.includes('--quick'),
    staticChecks: vitest.length === 0 && !args.includes('--no-static'),
    chosenByName: vitest.some((argument) => /^(-t|--testNamePattern)(=|$)/.test(argument)),
    vitest,
  }
}
