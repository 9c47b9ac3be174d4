/** Resolves when the condition holds; looks every few milliseconds. Rejects after `timeout` ms. */
export async function until(condition: () => boolean | Promise<boolean>, timeout = 15_000): Promise<void> {
  const end = performance.now() + timeout
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`It did not come true within ${timeout} ms: ${condition.toString()}`)
    await wait(3)
  }
}

export function wait(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time))
}
