import { exchange } from '../exchange.ts'
import type { Address } from '../exchange.ts'

/** An answer of Redis; nested answers are not read here. */
export type RedisReply = string | number | null | Error

/** Where to ask, and as whom. */
export interface RedisAddress extends Address {
  password?: string | undefined
}

/**
 * Sends commands in one go and gives their answers; an error that Redis answers is thrown.
 *
 * @throws Error when Redis refuses one of the commands, or does not answer.
 */
export async function askRedis(
  { password, ...address }: RedisAddress,
  ...commands: readonly (readonly string[])[]
): Promise<RedisReply[]> {
  const all = password === undefined ? commands : [['AUTH', password], ...commands]
  const received = await exchange(
    address,
    Buffer.concat(all.map(encode)),
    (bytes) => readReplies(bytes).length >= all.length,
  )
  const replies = readReplies(received)
  for (const reply of replies) if (reply instanceof Error) throw reply
  return password === undefined ? replies : replies.slice(1)
}

function encode(command: readonly string[]): Buffer {
  const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`)
  return Buffer.from(`*${command.length}\r\n${parts.join('')}`)
}

/** The complete answers at the beginning of what was received. */
function readReplies(bytes: Buffer): RedisReply[] {
  const replies: RedisReply[] = []
  let position = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', position)
    if (end < 0) return replies
    const [sign, rest] = [bytes.toString('latin1', position, position + 1), bytes.toString('utf8', position + 1, end)]
    position = end + 2
    if (sign !== '$') {
      replies.push(readLine(sign, rest))
      continue
    }
    const length = Number(rest)
    if (length < 0) {
      replies.push(null)
      continue
    }
    if (bytes.length < position + length + 2) return replies
    replies.push(bytes.toString('utf8', position, position + length))
    position += length + 2
  }
}

function readLine(sign: string, rest: string): RedisReply {
  if (sign === '+') return rest
  if (sign === ':') return Number(rest)
  return new Error(sign === '-' ? `Redis: ${rest}` : `Redis answered with ${sign}${rest}, which is not understood here`)
}
