/** A version of nats-server, as `[2, 9, 21]`. */
export type ServerVersion = readonly [major: number, minor: number, patch: number]

/** Whether a server's version is this one or a later one. */
export function isAtLeast(version: string, least: ServerVersion): boolean {
  const parts = version.split(/[.-]/).map(Number)
  for (const [index, wanted] of least.entries()) {
    const part = parts[index] ?? 0
    if (part !== wanted) return !(part < wanted)
  }
  return true
}
