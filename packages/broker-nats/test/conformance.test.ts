import { testBroker } from '@ds/broker-testing/vitest'
import { brokerUnderTest } from './under-test.ts'

testBroker(await brokerUnderTest())
