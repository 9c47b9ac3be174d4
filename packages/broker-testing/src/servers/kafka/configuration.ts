import path from 'node:path'
import { loopback } from '../../faults/ports.ts'
import type { Certificates } from '../certificates.ts'
import type { Ground } from '../ground.ts'
import type { KafkaOptions } from './options.ts'

/** A member of a cluster of brokers, a single broker being a cluster of one. */
export interface KafkaMembership {
  /** From 1. */
  nodeId: number
  clusterId: string
  /** The controller ports of all members, in the order of their node ids. */
  controllerPorts: readonly number[]
}

/** The text of server.properties. */
export function kafkaConfiguration(
  options: KafkaOptions,
  ground: Ground,
  { membership, certificates }: { membership: KafkaMembership; certificates?: Certificates },
): string {
  const size = membership.controllerPorts.length
  const properties: Record<string, string> = {
    ...roles(membership, ground),
    ...listeners(options, ground),
    ...replication(size),
    ...haste,
    ...sasl(options),
    ...tls(options, certificates),
    ...options.settings,
  }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}`)
  return [...lines, ''].join('\n')
}

/** What makes a broker quick to start, to take back and to hand out partitions; none of it changes what is kept. */
const haste: Record<string, string> = {
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '500',
  'offsets.topic.num.partitions': '8',
  'transaction.state.log.num.partitions': '4',
}

function roles({ nodeId, controllerPorts }: KafkaMembership, ground: Ground): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': String(nodeId),
    'controller.quorum.voters': controllerPorts.map((port, index) => `${index + 1}@${loopback}:${port}`).join(','),
    'log.dirs': path.join(ground.dataDir, 'log'),
  }
}

/** Clients have a listener of their own, so that TLS and passwords concern them alone. */
function listeners({ announcedPort, sasl, tls }: KafkaOptions, ground: Ground): Record<string, string> {
  const client = `CLIENT://${loopback}:${ground.port(0)}`
  const internal = `INTERNAL://${loopback}:${ground.port(1)}`
  const controller = `CONTROLLER://${loopback}:${ground.port(2)}`
  const announced = announcedPort === undefined ? client : `CLIENT://${loopback}:${announcedPort}`
  const security = `${sasl === undefined ? '' : 'SASL_'}${tls === undefined ? 'PLAINTEXT' : 'SSL'}`
  return {
    listeners: [client, internal, controller].join(','),
    'advertised.listeners': [announced, internal].join(','),
    'listener.security.protocol.map': `CLIENT:${security},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
  }
}

function replication(size: number): Record<string, string> {
  const [factor, minimum] = size > 1 ? [size, 2] : [1, 1]
  return {
    'default.replication.factor': String(factor),
    'min.insync.replicas': String(minimum),
    'offsets.topic.replication.factor': String(factor),
    'transaction.state.log.replication.factor': String(factor),
    'transaction.state.log.min.isr': String(minimum),
  }
}

function sasl({ sasl }: KafkaOptions): Record<string, string> {
  if (sasl === undefined) return {}
  const { mechanism, users } = sasl
  const common = { 'sasl.enabled.mechanisms': mechanism }
  if (mechanism !== 'PLAIN') {
    const module = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
    return { ...common, [`listener.name.client.${mechanism.toLowerCase()}.sasl.jaas.config`]: module }
  }
  const module = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  const entries = users.map(({ name, password }) => `user_${name}="${password}"`)
  return { ...common, 'listener.name.client.plain.sasl.jaas.config': `${module} ${entries.join(' ')};` }
}

function tls({ tls }: KafkaOptions, certificates?: Certificates): Record<string, string> {
  if (certificates === undefined) return {}
  const prefix = 'listener.name.client.ssl'
  return {
    [`${prefix}.keystore.type`]: 'PEM',
    [`${prefix}.keystore.certificate.chain`]: onOneLine(certificates.server.certificate),
    [`${prefix}.keystore.key`]: onOneLine(certificates.server.key),
    [`${prefix}.truststore.type`]: 'PEM',
    [`${prefix}.truststore.certificates`]: onOneLine(certificates.authority),
    [`${prefix}.client.auth`]: tls === 'mutual' ? 'required' : 'none',
  }
}

/** A properties file has a value on one line; `\n` in it stands for a line end. */
function onOneLine(pem: string): string {
  return pem.trimEnd().replaceAll('\n', '\\n')
}
