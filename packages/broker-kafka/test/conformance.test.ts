import { GROUPS, whyNoServer } from '@ds/broker-testing'
import { testBroker } from '@ds/broker-testing/vitest'
import { test } from 'vitest'
import { brokerUnderTest } from './under-test.ts'

/** A server of Kafka takes seconds to start, and each of the cases in which one breaks starts its own: all of them take minutes. */
const withRecovery = process.env['DS_TEST_KAFKA_KIT'] === '1'
const groups = GROUPS.filter((group) => withRecovery || group !== 'recovery')

const reason = await whyNoServer('kafka', {})
if (reason === undefined) testBroker(await brokerUnderTest(), { groups })
else test('the conformance kit on Kafka', (context) => context.skip(true, reason))

if (!withRecovery)
  test('recovery on Kafka', (context) =>
    context.skip(
      true,
      'takes minutes: npm run conformance -- --broker kafka --only recovery, or set DS_TEST_KAFKA_KIT=1',
    ))
