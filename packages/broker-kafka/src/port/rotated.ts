/** The same items, beginning anywhere: what comes first in a request is served first, and it shall not always be the same. */
export function rotated<Item>(items: readonly Item[]): Item[] {
  const start = Math.floor(Math.random() * items.length)
  return [...items.slice(start), ...items.slice(0, start)]
}
