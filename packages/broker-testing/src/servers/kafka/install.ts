import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { cacheFolder, findOrInstall } from '../cache.ts'
import { findDebianProgram } from '../debian.ts'
import { findInstallation } from '../installation.ts'
import type { Installation } from '../installation.ts'
import { findProgram, isExecutable, runCommand } from '../run-command.ts'
import type { KafkaOptions } from './options.ts'

const defaultVersion = '4.3.1'

/**
 * Finds Kafka's jars in the cache folder, fetches them with Maven when they are missing; Java and Maven come from Debian
 * when they are missing.
 *
 * @throws ServerUnavailableError when they cannot be had.
 */
export async function findKafka({ version = defaultVersion, ...options }: KafkaOptions = {}): Promise<Installation> {
  return findInstallation('kafka', [{ name: 'Maven', find: () => describe(version, options) }])
}

async function describe(version: string, options: KafkaOptions): Promise<Installation> {
  const { javaOptions = ['-XX:TieredStopAtLevel=1'], maxHeap = '1g' } = options
  const java = await findJava()
  const jars = await findJars(version)
  const heap = ['-Xms128m', `-Xmx${maxHeap}`]
  // slf4j's simple binding writes to the error stream, which becomes the server's log.
  const logging = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true']
  const parameters = [...heap, ...javaOptions, ...logging, '-cp', path.join(jars, '*'), 'kafka.Kafka']
  return { command: java, arguments: parameters, version }
}

async function findJava(): Promise<string> {
  const home = process.env['JAVA_HOME']
  const ofHome = home === undefined ? undefined : path.join(home, 'bin', 'java')
  if (ofHome !== undefined && isExecutable(ofHome)) return ofHome
  return findDebianProgram('java', 'openjdk-17-jre-headless')
}

async function findJars(version: string): Promise<string> {
  const folder = path.join(cacheFolder(), 'kafka', version)
  const jars = path.join(folder, 'lib')
  return findOrInstall(
    `kafka-${version}`,
    () => (existsSync(jars) ? jars : undefined),
    () => fetchJars(version, folder),
  )
}

/** Jars appear under their name only when all of them are there. */
async function fetchJars(version: string, folder: string): Promise<void> {
  const maven = findProgram('mvn') ?? (await findDebianProgram('mvn', 'maven'))
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, 'pom.xml'), pom(version))
  const partial = path.join(folder, 'lib.partial')
  await rm(partial, { recursive: true, force: true })
  await runCommand(maven, ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`], {
    workingDirectory: folder,
  })
  await rename(partial, path.join(folder, 'lib'))
}

function pom(version: string): string {
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>ds.servers</groupId>
  <artifactId>kafka</artifactId>
  <version>${version}</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>${version}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId>
      <artifactId>slf4j-simple</artifactId>
      <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
`
}
