import { expect, test } from 'vitest'
import { checkReplication } from './replication.ts'

test.each(['2.9.10', '2.9.20', '2.8.4', '2.9.0-beta.1'])(
  '%s is refused with replicas, and taken with one',
  (version) => {
    const refused: unknown = expect.objectContaining({ code: 'BrokerMisconfigured' })
    expect(() => checkReplication(version, 3)).toThrow(refused)
    expect(() => checkReplication(version, 1)).not.toThrow()
  },
)

test.each(['2.9.21', '2.9.25', '2.10.0', '2.15.3', '3.0.0', undefined])('%s is taken with replicas', (version) => {
  expect(() => checkReplication(version, 3)).not.toThrow()
})
