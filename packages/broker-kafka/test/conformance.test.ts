import { whyNoServer } from '@ds/broker-testing'
import { testBroker } from '@ds/broker-testing/vitest'
import { test } from 'vitest'
import { brokerUnderTest } from './under-test.ts'

/** The package is not published yet, and its run of the kit takes minutes: it is asked for. */
const reason =
  process.env['DS_TEST_KAFKA_KIT'] === '1'
    ? await whyNoServer('kafka', {})
    : 'not published yet: run npm run conformance -- --broker kafka, or set DS_TEST_KAFKA_KIT=1'
if (reason === undefined) testBroker(await brokerUnderTest())
else test('the conformance kit on Kafka', (context) => context.skip(true, reason))
