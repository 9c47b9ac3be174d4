import { foldWord } from '../words.ts'
import type { Tag } from '../search-index/store-findings.ts'
import { isNounPhrase } from './noun-phrase.ts'
import { stopWordsOf } from './stop-words.ts'

export interface FindTagsOptions {
  /** Its words count more than those of the text. */
  readonly title?: string | undefined
  readonly language?: string | undefined
  readonly limit?: number | undefined
  /** In how many of how many documents a word stands. */
  readonly frequency: (word: string) => number
  readonly documents: number
}

const MAX_WORDS = 3
const CHARACTERS = 200_000
/** Addresses of mails and pages are no key words. */
const ADDRESS = /\S+@\S+|https?:\/\/\S+|www\.\S+/g
const DEFAULT_LIMIT = 8
/** What weighs less than this share of the best tag is left out. */
const MIN_SHARE = 0.3

interface Candidate {
  readonly words: readonly string[]
  count: number
  /** How it was written, and how often each way. */
  readonly spellings: Map<string, number>
}

/**
 * The key words and phrases of a text: runs of up to three words between stop words and punctuation (as RAKE takes them),
 * weighted by how often they stand here and how rare their words are in the index (TF-IDF).
 */
export function findTags(text: string, options: FindTagsOptions): Tag[] {
  const titled = `${options.title ?? ''}\n${options.title ?? ''}\n${text.slice(0, CHARACTERS).replace(ADDRESS, '\n')}`
  const candidates = candidatesOf(titled, stopWordsOf(options.language))
  const weigh = wordWeights(options)
  const weighted = [...candidates.values()]
    .map((candidate) => ({ candidate, weight: weightOf(candidate, weigh) }))
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight || keyOf(one.candidate).localeCompare(keyOf(other.candidate)))
  const isSubject = ({ candidate }: { candidate: Candidate }): boolean =>
    isNounPhrase(candidate.words, options.language)
  return withoutParts(weighted, { limit: options.limit ?? DEFAULT_LIMIT, isSubject }).map(({ candidate, weight }) => ({
    tag: spellingOf(candidate),
    weight: Number(weight.toPrecision(4)),
  }))
}

function candidatesOf(text: string, stopWords: ReadonlySet<string>): Map<string, Candidate> {
  const candidates = new Map<string, Candidate>()
  for (const clause of text.split(/[^\p{L}\p{M}\p{N}'’ \u00a0-]+|\n/u)) {
    for (const run of runsOf(clause, stopWords)) countRun(candidates, run)
  }
  return candidates
}

/** Words between stop words. Numbers and single letters end a run: they are no key words. */
function runsOf(clause: string, stopWords: ReadonlySet<string>): string[][] {
  const runs: string[][] = [[]]
  for (const written of clause.split(/[ \u00a0]+/)) {
    const word = written.replace(/^(?:[dlnsjmtc]|qu)['’]|['’]s$|^[-'’]+|[-'’]+$/giu, '')
    const isKeyWord = word.length > 2 && /^\p{L}[\p{L}\p{M}'’-]*$/u.test(word) && !stopWords.has(foldWord(word))
    if (isKeyWord) runs.at(-1)!.push(word)
    else runs.push([])
  }
  return runs.filter((run) => run.length > 0)
}

/** Counts each word of a run and, when it is short enough, the run as a phrase. */
function countRun(candidates: Map<string, Candidate>, run: readonly string[]): void {
  for (const word of run) countCandidate(candidates, [word])
  if (run.length > 1 && run.length <= MAX_WORDS) countCandidate(candidates, run)
}

function countCandidate(candidates: Map<string, Candidate>, written: readonly string[]): void {
  const words = written.map(foldWord)
  const key = words.join(' ')
  const candidate = candidates.get(key) ?? { words, count: 0, spellings: new Map<string, number>() }
  const spelling = written.join(' ').toLowerCase()
  candidate.count += 1
  candidate.spellings.set(spelling, (candidate.spellings.get(spelling) ?? 0) + 1)
  candidates.set(key, candidate)
}

/** How rare a word is in the index: 0 for one that stands in every document. The index cuts words at their hyphens. */
function wordWeights({ frequency, documents }: FindTagsOptions): (word: string) => number {
  const known = new Map<string, number>()
  return (word) => {
    const weight = known.get(word) ?? Math.max(...word.split(/['’-]/).map((part) => rarity(frequency(part), documents)))
    known.set(word, weight)
    return weight
  }
}

function rarity(frequency: number, documents: number): number {
  return Math.log((documents + 1) / (Math.max(frequency, 1) + 0.5))
}

/** A phrase is worth its words, and more each time it is said again. What is said once is rarely the subject. */
function weightOf({ words, count }: Candidate, weigh: (word: string) => number): number {
  const mean = words.reduce((sum, word) => sum + weigh(word), 0) / words.length
  return mean * (count === 1 ? 0.5 : 1 + Math.log(count)) * (words.length === 1 ? 1 : 1.3)
}

/** Best first, subjects only; of two that share a word the better one. */
function withoutParts<T extends { candidate: Candidate; weight: number }>(
  weighted: readonly T[],
  { limit, isSubject }: { limit: number; isSubject: (item: T) => boolean },
): T[] {
  const kept: T[] = []
  const covered = new Set<string>()
  for (const item of weighted) {
    if (kept.length === limit || item.weight < weighted[0]!.weight * MIN_SHARE) break
    if (item.candidate.words.some((word) => covered.has(word)) || !isSubject(item)) continue
    kept.push(item)
    for (const word of item.candidate.words) covered.add(word)
  }
  return kept
}

function keyOf(candidate: Candidate): string {
  return candidate.words.join(' ')
}

function spellingOf(candidate: Candidate): string {
  return [...candidate.spellings].sort(([, one], [, other]) => other - one)[0]![0]
}
