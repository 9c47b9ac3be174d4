/** A stretch of text that belongs together, and where it begins in the document. */
export interface Passage {
  readonly text: string
  readonly start: number
}

/** A line this long was broken to fit a page: the sentence runs on in the next one. */
const WRAPPED_LINE = 60
const MAX_PASSAGE = 4000

/**
 * Cuts a text where sentences certainly end. A name that is broken over two lines of a page stays whole, and two lines of a
 * list are not read as one name. Every passage has the length of what it stands for, so that positions stay true.
 */
export function passagesOf(text: string): Passage[] {
  const passages: Passage[] = []
  let passage = ''
  let start = 0
  for (const line of linesOf(text)) {
    passage += line
    const runsOn = line.length >= WRAPPED_LINE && passage.length < MAX_PASSAGE
    if (runsOn) continue
    addPassage(passages, passage, start)
    start += passage.length
    passage = ''
  }
  addPassage(passages, passage, start)
  return passages
}

/** Lines with their ends. A line without end, as some programs write paragraphs, is cut at a space. */
function* linesOf(text: string): Generator<string, void, undefined> {
  let from = 0
  while (from < text.length) {
    const end = text.indexOf('\n', from)
    let to = end === -1 ? text.length : end + 1
    if (to - from > MAX_PASSAGE) {
      const space = text.lastIndexOf(' ', from + MAX_PASSAGE)
      to = space > from ? space + 1 : from + MAX_PASSAGE
    }
    yield text.slice(from, to)
    from = to
  }
}

function addPassage(passages: Passage[], text: string, start: number): void {
  if (/\p{L}|\p{N}/u.test(text)) passages.push({ text: text.replace(/[\n\t\u00a0\u202f]/g, ' '), start })
}
