import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import type { ExtractorMessage } from '@microsoft/api-extractor'
import { root } from '../testing/command.ts'
import type { PublishablePackage } from './publishable.ts'

/** What a package exports, as a text in git: a change of the API shows in the diff. */
export interface ApiReport {
  readonly name: string
  /** Absolute; where the text in git lies. */
  readonly file: string
  readonly entry: string
  readonly project: PublishablePackage
}

export type ApiState = 'same' | 'changed' | 'missing'

/** One report for each name a package can be imported by. */
export function apiReports(base: string, packages: readonly PublishablePackage[]): ApiReport[] {
  return packages.flatMap((project) =>
    [...project.declarations].map(([subpath, entry]) => {
      const name = project.shortName + subpath.replace('.', '').replaceAll('/', '.')
      return { name, file: path.join(base, 'api', `${name}.api.md`), entry, project }
    }),
  )
}

/** Compares the report in git with the declarations as built; with `update` writes it. */
export function checkApiReport(report: ApiReport, { update }: { update: boolean }): ApiState {
  if (!update && !existsSync(report.file)) return 'missing'
  mkdirSync(path.dirname(report.file), { recursive: true })
  const result = Extractor.invoke(extractorConfig(report), { localBuild: update, messageCallback: quieten })
  return result.apiReportChanged && !update ? 'changed' : 'same'
}

function extractorConfig({ file, entry, project }: ApiReport): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: project.folder,
      mainEntryPointFilePath: entry,
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { extends: path.join(root, 'tsconfig.base.json'), include: [entry] } },
      apiReport: {
        enabled: true,
        reportFileName: path.basename(file),
        reportFolder: path.dirname(file),
        reportTempFolder: path.join(project.folder, 'node_modules/.cache/api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: path.join(project.folder, 'package.json'),
  })
}

/** The state is the answer; its console lines would only repeat it. */
function quieten(message: ExtractorMessage): void {
  message.handled = true
}
