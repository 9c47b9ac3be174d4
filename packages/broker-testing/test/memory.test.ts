import { testBroker } from '../src/vitest.ts'
import { memoryUnderTest } from './memory-under-test.ts'

testBroker(memoryUnderTest())
