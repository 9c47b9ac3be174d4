import { writeSync } from 'node:fs'

const STDOUT = 1
const PAUSE = new Int32Array(new SharedArrayBuffer(4))

/**
 * Prints a line for the parent. It is written before this returns, however busy the parent is: what `process.stdout` still held when the
 * process was killed would be missing in the books.
 */
export function say(...words: (string | number)[]): void {
  const bytes = Buffer.from(`${words.join(' ')}\n`)
  for (let written = 0; written < bytes.length;) written += writeSome(bytes.subarray(written))
}

/** How much of it was written: nothing while the pipe is full. */
function writeSome(bytes: Uint8Array): number {
  try {
    return writeSync(STDOUT, bytes)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
    Atomics.wait(PAUSE, 0, 0, 1)
    return 0
  }
}
