import { randomUUID } from 'node:crypto'
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Lets `write` make a file beside its place and moves it there when it is whole: nobody ever sees half a file, and nothing is
 * left behind when it fails.
 */
export async function writeAside<T>(path: string, write: (asidePath: string) => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  const aside = `${path}.${randomUUID().slice(0, 8)}.part`
  try {
    const result = await write(aside)
    await rename(aside, path)
    return result
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
}
