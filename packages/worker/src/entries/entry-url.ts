/** Where a thread or process starts: a file beside this one, in the sources and as built. */
export function entryUrl(name: 'thread-entry' | 'process-entry' | 'pool-entry'): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)
}
