import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

/** A file that a page shows: a `ts` block whose first line is a comment with its name. */
export interface ShownFile {
  readonly name: string
  readonly text: string
}

/** A command that a page shows with what it prints. */
export interface ShownCommand {
  readonly command: string
  readonly output: string
  readonly line: number
}

export interface Page {
  /** From the root of the repository. */
  readonly file: string
  readonly files: readonly ShownFile[]
  /** Of `console` blocks: each runs by itself. */
  readonly commands: readonly ShownCommand[]
  /** Of `console redis` blocks: they run one after the other on a Redis, beside the workers that they start. */
  readonly commandsOnRedis: readonly ShownCommand[]
}

interface Block {
  readonly language: string
  readonly text: string
  readonly line: number
}

/** The README, the pages of the docs that show code to users, and the READMEs of packages and examples. */
export async function readPages(root: string): Promise<Page[]> {
  const folders = ['docs', 'docs/learn', 'docs/guides', 'docs/brokers', 'docs/contributing']
  const found = await Promise.all([
    ...folders.map((folder) => markdownIn(root, folder)),
    ...['packages', 'examples'].map((folder) => markdownBelow(root, folder)),
  ])
  return Promise.all(
    ['README.md', ...found.flat()].map(async (file) => readPage(file, await readFile(path.join(root, file), 'utf8'))),
  )
}

/** Of packages: `packages/core/README.md`, and what else lies beside it. */
async function markdownBelow(root: string, parent: string): Promise<string[]> {
  const folders = await readdir(path.join(root, parent))
  return (await Promise.all(folders.map((folder) => markdownIn(root, path.join(parent, folder))))).flat()
}

async function markdownIn(root: string, folder: string): Promise<string[]> {
  const names = await readdir(path.join(root, folder)).catch(() => [])
  return names
    .filter((name) => /^[^.].*\.md$/.test(name) && name !== 'CHANGELOG.md')
    .map((name) => path.join(folder, name))
}

export function readPage(file: string, markdown: string): Page {
  const blocks = blocksOf(markdown)
  const commandsIn = (language: string): ShownCommand[] =>
    blocks.flatMap((block) => (block.language === language ? shownCommands(block) : []))
  return {
    file,
    files: blocks.flatMap((block) => (block.language === 'ts' ? [shownFile(file, block)] : [])),
    commands: commandsIn('console'),
    commandsOnRedis: commandsIn('console redis'),
  }
}

function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { language: string; lines: string[]; line: number } | undefined
  for (const [index, line] of markdown.split('\n').entries()) {
    if (!line.startsWith('```')) open?.lines.push(line)
    else if (!open) open = { language: line.slice(3).trim(), lines: [], line: index + 1 }
    else {
      blocks.push({ language: open.language, text: open.lines.join('\n'), line: open.line })
      open = undefined
    }
  }
  return blocks
}

function shownFile(page: string, { text, line }: Block): ShownFile {
  const name = /^\/\/ (\S+\.ts)$/.exec(text.split('\n')[0] ?? '')?.[1]
  if (name === undefined)
    throw new Error(`${page}:${line}: begin the block with a comment that names its file, as in // tasks.ts`)
  return { name, text: `${text}\n` }
}

function shownCommands({ text, line }: Block): ShownCommand[] {
  const commands: { command: string; output: string[]; line: number }[] = []
  for (const [index, row] of text.split('\n').entries()) {
    if (row.startsWith('$ ')) commands.push({ command: row.slice(2), output: [], line: line + 1 + index })
    else commands.at(-1)?.output.push(row)
  }
  return commands.map(({ output, ...rest }) => ({ ...rest, output: output.join('\n') }))
}
