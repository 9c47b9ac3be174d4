/** Indexes a folder into an index: `node index-writer.ts INDEX FOLDER`. Run several times at once by a test. */
import { indexFile } from '../src/index-file.ts'
import { scanFolder } from '../src/scan.ts'
import { SearchIndex } from '../src/search-index/search-index.ts'

const [, , indexPath, folder] = process.argv
const index = await SearchIndex.open(indexPath!)
const outcomes: Record<string, number> = {}
for await (const entry of scanFolder(folder!)) {
  if (entry.kind !== 'file') continue
  const { outcome } = await indexFile(index, entry.path)
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
}
index.close()
console.log(JSON.stringify(outcomes))
