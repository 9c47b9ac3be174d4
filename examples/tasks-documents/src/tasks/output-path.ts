import { createHash } from 'node:crypto'
import { join } from 'node:path'

const MAX_NAME = 80

/**
 * Where a task writes its file: named after the task, so that a second attempt replaces what the first left. Ids are free text;
 * what a file name cannot hold is replaced, and a digest keeps such names apart.
 */
export function outputPath(folder: string, taskId: string, extension: string): string {
  const plain = taskId.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^-+|-+$/g, '')
  if (plain === taskId && plain.length <= MAX_NAME) return join(folder, `${plain}${extension}`)
  const digest = createHash('sha256').update(taskId).digest('hex').slice(0, 10)
  return join(folder, `${plain.slice(0, MAX_NAME)}-${digest}${extension}`)
}
