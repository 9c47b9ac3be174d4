import { GROUPS, whyNoServer } from '@ds/broker-testing'
import { testBroker } from '@ds/broker-testing/vitest'
import { test } from 'vitest'
import { brokerUnderTest } from './under-test.ts'

/** Group 12 starts a server of its own for each case, which takes Kafka some seconds each. */
const LEFT_OUT = 'recovery'

const reason = await whyNoServer('kafka', {})
if (reason === undefined) testBroker(await brokerUnderTest(), { groups: GROUPS.filter((group) => group !== LEFT_OUT) })
else test('the conformance kit on Kafka', (context) => context.skip(true, reason))

test(`conformance of kafka: ${LEFT_OUT}`, (context) => {
  context.skip(`minutes long: npm run conformance -- --broker kafka --only ${LEFT_OUT}`)
})
