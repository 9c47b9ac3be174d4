import { mkdir, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ROOT } from './run-command.ts'
import type { Page } from './snippets.ts'

/** Below the docs, so that what the snippets import is found as their readers would have it installed. */
const OUT = path.join(ROOT, 'docs', 'out')

/** A folder for the files that pages show, a folder each. Each test file has one of its own: they run at once. */
export function outFolder(name: string): string {
  return path.join(OUT, name)
}

export function folderOf(page: Page, out: string): string {
  return path.join(out, page.file.replaceAll(/[/\\.]/g, '-'))
}

/** Writes the files of all pages anew. Pages that speak of `tasks.ts` without showing one mean the README's. */
export async function writePages(pages: readonly Page[], out: string): Promise<void> {
  await rm(out, { recursive: true, force: true })
  const tasks = pages[0]?.files.find(({ name }) => name === 'tasks.ts')
  for (const page of pages) {
    for (const { name, text } of [...(tasks ? [tasks] : []), ...page.files]) {
      const file = path.join(folderOf(page, out), name)
      await mkdir(path.dirname(file), { recursive: true })
      await writeFile(file, text)
    }
  }
}
