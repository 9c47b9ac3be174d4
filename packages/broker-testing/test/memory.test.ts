import { testBroker } from '../src/vitest.ts'
import { brokerUnderTest } from './memory-under-test.ts'

testBroker(brokerUnderTest())
