/**
 * Deals partitions to members: each as many as the others, give or take one, and mostly the same ones when members come and go.
 * Whoever knows the same members deals the same, so that nobody has to ask. Should two disagree for a moment, both serve a partition,
 * and the log decides between their claims.
 */
export function deal(members: readonly string[], partitions: number): Map<string, number[]> {
  const hands = new Map<string, number[]>(members.map((member) => [member, []]))
  const least = Math.floor(partitions / members.length)
  let larger = partitions % members.length
  for (let partition = 0; partition < partitions && members.length > 0; partition++) {
    const hand = ranked(members, partition)
      .map((member) => hands.get(member) ?? [])
      .find(({ length }) => length < least || (length === least && larger > 0))
    if (!hand) continue
    if (hand.length === least) larger -= 1
    hand.push(partition)
  }
  return hands
}

/** Members in the order in which they are asked whether they have room for a partition. */
function ranked(members: readonly string[], partition: number): string[] {
  return members
    .map((member) => ({ member, rank: rankOf(member, partition) }))
    .sort((a, b) => b.rank - a.rank || (a.member < b.member ? -1 : 1))
    .map(({ member }) => member)
}

function rankOf(member: string, partition: number): number {
  let hash = 0x811c9dc5 ^ (partition * 0x9e3779b1)
  for (let index = 0; index < member.length; index++) hash = Math.imul(hash ^ member.charCodeAt(index), 0x01000193)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  hash = Math.imul(hash, 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
