import nlp from 'compromise'

/** Endings that nouns of the language rarely have: adverbs, infinitives, participles. Compared without accents. */
const RARE_NOUN_ENDINGS: Readonly<Record<string, RegExp>> = {
  fr: /(?:ement|issons|ons|er|ir|ee?s?|aient|ant|erait|eront)$/,
}
const FRENCH_NOUNS =
  /(?:ite|chantier|courrier|dossier|loyer|papier|quartier|fichier|marche|cafe|annee|journee|seance|avenant|montant|societe)s?$/

/** Whether words can stand as a subject: they end in a noun and hold no verb. English is parsed, French judged by endings. */
export function isNounPhrase(words: readonly string[], language: string | undefined): boolean {
  const last = words.at(-1) ?? ''
  const endings = RARE_NOUN_ENDINGS[language ?? 'en']
  if (endings !== undefined) return !endings.test(last) || FRENCH_NOUNS.test(last)
  if (language !== undefined && language !== 'en') return true
  const terms = nlp(`the ${words.join(' ')}`)
  return terms.terms().last().has('#Noun') && !terms.has('(#Adverb|#Pronoun|#Preposition|#Conjunction|#Value)')
}
