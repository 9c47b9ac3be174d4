/** Prints a line for the parent. On POSIX systems it is written before this returns. */
export function say(...words: (string | number)[]): void {
  process.stdout.write(`${words.join(' ')}\n`)
}
