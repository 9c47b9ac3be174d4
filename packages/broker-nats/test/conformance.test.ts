import { whyNoServer } from '@ds/broker-testing'
import { testBroker } from '@ds/broker-testing/vitest'
import { test } from 'vitest'
import { brokerUnderTest } from './under-test.ts'

const reason = await whyNoServer('nats', {})
if (reason === undefined) testBroker(await brokerUnderTest())
else test('the conformance kit on NATS', (context) => context.skip(true, reason))
