import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { root } from '../testing/command.ts'
import { apiReports, checkApiReport } from './api-report.ts'
import { bundleSize, sizeLimits, sizeProblem } from './bundle-size.ts'
import { pack, tarballBytes, tarballFiles, tarballManifest } from './pack.ts'
import { publishablePackages } from './publishable.ts'
import { resolutionProblems } from './resolution-problems.ts'

const packages = publishablePackages(root)

describe.each(packages)('the package $name', (project) => {
  let tarball = ''
  let files: string[] = []

  beforeAll(async () => {
    expect(existsSync(path.join(project.folder, 'dist')), 'is it built? npm run build').toBe(true)
    tarball = await pack(project.folder)
    files = await tarballFiles(tarball)
  })
  afterAll(() => rmSync(path.dirname(tarball), { recursive: true, force: true }))

  test('holds a README', (context) => {
    context.skip(!existsSync(path.join(project.folder, 'README.md')), 'it has no README.md yet')
    expect(files).toContain('README.md')
  })

  test('holds its build and its licence, and no sources or tests', () => {
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts']))
    expect(files.filter((file) => /(^|[/])(src|test)[/]|[.]test[.]/.test(file))).toEqual([])
  })

  test('names versions of its sisters, and the Node it needs', async () => {
    const manifest = await tarballManifest(tarball)
    expect(JSON.stringify(manifest)).not.toContain('workspace:')
    expect(manifest).toMatchObject({ license: 'AGPL-3.0-or-later', type: 'module', engines: { node: '>=22.18' } })
  })

  test('passes publint', async () => {
    const bytes = tarballBytes(tarball)
    const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([])
  })

  test('has types that resolve for ESM', async () => {
    expect(await resolutionProblems(tarballBytes(tarball))).toEqual([])
  })
})

describe.each(packages.filter(({ shortName }) => shortName in sizeLimits))('the size of $name', (project) => {
  test('is within its limit', async () => {
    expect(sizeProblem(project.shortName, await bundleSize(project.folder))).toBeUndefined()
  })
})

describe.each(apiReports(root, packages))('the exported API of $name', (report) => {
  test('is what the report in git says', (context) => {
    const state = checkApiReport(report, { update: false })
    context.skip(state === 'missing', 'no report in git yet: npm run api -- --update makes it')
    expect(state, 'if the change is meant: npm run api -- --update, and commit the report').toBe('same')
  })
})
