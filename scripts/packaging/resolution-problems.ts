import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import type { Problem, ResolutionKind } from '@arethetypeswrong/core'
import { problemKindInfo } from '@arethetypeswrong/core/problems'

/** The packages are ESM only: how TypeScript resolves for CommonJS and for Node 10 is not promised. */
const promised: readonly ResolutionKind[] = ['node16-esm', 'bundler']

/** What is wrong with the types of a packed package when it is imported as ESM; one line each. */
export async function resolutionProblems(tarball: Uint8Array): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(tarball))
  if (!result.types) return ['it contains no types']
  return result.problems.filter(concernsEsm).map((problem) => {
    const entry = 'entrypoint' in problem ? ` at ${problem.entrypoint}` : ''
    return `${problemKindInfo[problem.kind].title}${entry}: ${problemKindInfo[problem.kind].description}`
  })
}

function concernsEsm(problem: Problem): boolean {
  if ('resolutionKind' in problem) return promised.includes(problem.resolutionKind)
  return !('resolutionOption' in problem) || problem.resolutionOption !== 'node10'
}
