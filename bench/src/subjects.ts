import type { OpenSubject } from './subject.ts'

/** The subjects of each broker, ours first. Modules are loaded only in the process that measures them. */
const SUBJECTS: Readonly<Record<string, Readonly<Record<string, () => Promise<OpenSubject>>>>> = {
  memory: {
    ours: async () => (await import('./subjects/ours.ts')).openOurs,
    fastq: async () => (await import('./subjects/fastq.ts')).openFastq,
    'p-queue': async () => (await import('./subjects/p-queue.ts')).openPQueue,
  },
  redis: {
    ours: async () => (await import('./subjects/ours.ts')).openOurs,
    bullmq: async () => (await import('./subjects/bullmq.ts')).openBullmq,
    'bee-queue': async () => (await import('./subjects/bee-queue.ts')).openBeeQueue,
    bare: async () => (await import('./subjects/bare-redis.ts')).openBareRedis,
  },
  nats: {
    ours: async () => (await import('./subjects/ours.ts')).openOurs,
    'moleculer-channels': async () => (await import('./subjects/moleculer-nats.ts')).openMoleculerNats,
    bare: async () => (await import('./subjects/bare-nats.ts')).openBareNats,
  },
  kafka: {
    ours: async () => (await import('./subjects/ours.ts')).openOurs,
    'moleculer-channels': async () => (await import('./subjects/moleculer-kafka.ts')).openMoleculerKafka,
    bare: async () => (await import('./subjects/bare-kafka.ts')).openBareKafka,
  },
}

export const BROKERS: readonly string[] = Object.keys(SUBJECTS)

export function subjectsOf(broker: string): string[] {
  return Object.keys(SUBJECTS[broker] ?? {})
}

export async function loadSubject(broker: string, subject: string): Promise<OpenSubject> {
  const load = SUBJECTS[broker]?.[subject]
  if (!load) throw new Error(`There is no subject ${subject} on ${broker}`)
  return load()
}
