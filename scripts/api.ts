// npm run api [-- --update]: compares the exported declarations of each package with the reports in api/, or writes them.
import path from 'node:path'
import { apiReports, checkApiReport } from './packaging/api-report.ts'
import { publishablePackages } from './packaging/publishable.ts'
import { root } from './testing/command.ts'

const update = process.argv.includes('--update')
const states = apiReports(root, publishablePackages(root)).map((report) => {
  const state = checkApiReport(report, { update })
  process.stdout.write(`${path.relative(root, report.file)}: ${update ? 'written' : state}\n`)
  return state
})
if (states.some((state) => state !== 'same')) {
  process.stdout.write('If the change is meant: npm run api -- --update, and commit the reports.\n')
  process.exitCode = 1
}
