import nlp from 'compromise'

/** Endings that nouns of the language rarely have: adverbs, infinitives, participles. Compared without accents. */
const RARE_NOUN_ENDINGS: Readonly<Record<string, RegExp>> = {
  fr: /(?:ement|issons|ons|er|ir|ee?s?|aient|ant|erait|eront)$/,
}
const FRENCH_NOUNS =
  /(?:ite|chantier|courrier|dossier|loyer|papier|quartier|fichier|marche|cafe|annee|journee|seance|avenant|montant|societe)s?$/

const known = new Map<string, boolean>()
const MAX_KNOWN = 50_000

/** Whether words can stand as a subject: they end in a noun and hold no verb. English is parsed, French judged by endings. */
export function isNounPhrase(words: readonly string[], language: string | undefined): boolean {
  const last = words.at(-1) ?? ''
  const endings = RARE_NOUN_ENDINGS[language ?? 'en']
  if (endings !== undefined) return !endings.test(last) || FRENCH_NOUNS.test(last)
  if (language !== undefined && language !== 'en') return true
  const phrase = words.join(' ')
  const answer = known.get(phrase) ?? isEnglishNounPhrase(phrase)
  // Documents of one index share most of their words.
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(phrase, answer)
  return answer
}

function isEnglishNounPhrase(phrase: string): boolean {
  const terms = nlp(`the ${phrase}`)
  return terms.terms().last().has('#Noun') && !terms.has('(#Adverb|#Pronoun|#Preposition|#Conjunction|#Value)')
}
