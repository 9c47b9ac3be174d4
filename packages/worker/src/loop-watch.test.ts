import { expect, it } from 'vitest'
import { collectingLogger } from '../test/collecting-logger.ts'
import { LoopWatch } from './loop-watch.ts'

const wait = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time))

function block(time: number): void {
  const until = performance.now() + time
  while (performance.now() < until);
}

it('warns, naming the tasks and the fix, when the event loop was blocked for half a lease', async () => {
  const { logger, lines } = collectingLogger()
  const watch = new LoopWatch({ lease: 300, logger, suspects: () => ['translate'] })
  watch.start()
  await wait(50)
  block(400)
  await wait(50)
  watch.stop()
  expect(lines).toHaveLength(1)
  expect(lines[0]?.message).toMatch(
    /blocked for \d+ ms while translate ran, so leases of 300 ms .* isolation: 'thread'/,
  )
})

it('says nothing of shorter pauses', async () => {
  const { logger, lines } = collectingLogger()
  const watch = new LoopWatch({ lease: 4000, logger, suspects: () => [] })
  watch.start()
  await wait(20)
  block(500)
  await wait(500)
  watch.stop()
  expect(lines).toEqual([])
})
