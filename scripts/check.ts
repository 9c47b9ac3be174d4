// npm run check [-- NAME...]: the static checks, without the tests.
import { runStaticChecks } from './checks/run-static-checks.ts'
import { exitCode, summary } from './testing/outcome.ts'

const outcomes = await runStaticChecks(process.argv.slice(2))
process.stdout.write(summary(outcomes))
process.exitCode = exitCode(outcomes)
