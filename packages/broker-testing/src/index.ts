export type {
  BrokerUnderTest,
  ChildReference,
  CreateOptions,
  FaultyServer,
  GarbagePlace,
  GarbageTools,
} from './broker-under-test.ts'
export { CaseContext, CaseSkipped } from './case-context.ts'
export type { RunSettings } from './case-context.ts'
export { CASES, casesIn } from './cases.ts'
export { CheckFailed } from './check.ts'
export { fullName, GROUPS, runsAlone } from './conformance-case.ts'
export type { ConformanceCase, Group, Need } from './conformance-case.ts'
export type { ConformanceReport, FaultReport, RuleCoverage } from './report.ts'
export { kitVersion, makeReport, printReport, writeReport } from './reporting.ts'
export { RULES } from './rules.ts'
export type { Rule } from './rules.ts'
export { checkSkips, prepareRun, runCase } from './run-cases.ts'
export type { CaseResult, PrepareOptions } from './run-cases.ts'
export { loadTarget } from './runner/load-target.ts'
export type { MakeBrokerUnderTest, TargetOptions } from './runner/load-target.ts'
export { runConformance } from './runner/run-conformance.ts'
export type { ConformanceOptions } from './runner/run-conformance.ts'
export { TestWorker } from './test-worker.ts'
export type { TestWorkerOptions } from './test-worker.ts'
export type { Tolerances } from './tolerances.ts'
export { ChildScript, startChild } from './faults/child-script.ts'
export type { ChildOptions } from './faults/child-script.ts'
export type { CutPoint, Direction, ProxyStatistics } from './faults/conditions.ts'
export type { LineMatch, LineWait } from './faults/line-collector.ts'
export type { ProxyTarget } from './faults/proxy-connection.ts'
export { TcpProxy } from './faults/tcp-proxy.ts'
export { startProcess, WatchedProcess } from './faults/watched-process.ts'
export type { Exit, ProcessOptions } from './faults/watched-process.ts'
