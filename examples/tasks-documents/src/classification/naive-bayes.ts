import { featuresOf } from './features.ts'

/** A text of which a person said what it is. */
export interface Example {
  readonly class: string
  readonly text: string
}

export interface Classification {
  readonly class: string
  /** 0 to 1, how sure the classifier is among the classes it knows. */
  readonly confidence: number
}

/** What was learnt: for each class, how likely each feature is in it. */
export interface Classifier {
  readonly classes: readonly string[]
  /** Logarithms, one per class; features that no example has are left out. */
  readonly likelihoods: ReadonlyMap<string, Float64Array>
}

/** Added to every count, so that a word a class has not shown yet does not rule the class out. */
const SMOOTHING = 0.4
/** Words of one text are not independent, as the method supposes: without this, every answer would be given as certain. */
const TEMPERATURE = 6

/**
 * Learns a multinomial naive Bayes classifier. A class with many examples is not preferred for that.
 *
 * @throws RangeError with fewer than two classes.
 */
export function trainClassifier(examples: readonly Example[]): Classifier {
  const classes = [...new Set(examples.map((example) => example.class))].sort()
  if (classes.length < 2) throw new RangeError(`Examples of at least two classes are needed, found ${classes.length}`)
  const counts = new Map<string, Float64Array>()
  const totals = new Float64Array(classes.length)
  for (const example of examples) countExample(counts, totals, { classIndex: classes.indexOf(example.class), example })
  const likelihoods = new Map<string, Float64Array>()
  for (const [feature, perClass] of counts) {
    likelihoods.set(
      feature,
      perClass.map((count, index) => logLikelihood(count, totals[index]!, counts.size)),
    )
  }
  return { classes, likelihoods }
}

function countExample(
  counts: Map<string, Float64Array>,
  totals: Float64Array,
  { classIndex, example }: { classIndex: number; example: Example },
): void {
  for (const [feature, weight] of featuresOf(example.text)) {
    const perClass = counts.get(feature) ?? new Float64Array(totals.length)
    perClass[classIndex]! += weight
    totals[classIndex]! += weight
    counts.set(feature, perClass)
  }
}

function logLikelihood(count: number, total: number, features: number): number {
  return Math.log((count + SMOOTHING) / (total + SMOOTHING * features))
}

/** The classes from the likeliest to the least; the confidences add up to 1. A text without known features is all classes alike. */
export function classify(classifier: Classifier, text: string): Classification[] {
  const scores = new Float64Array(classifier.classes.length)
  let weights = 0
  for (const [feature, weight] of featuresOf(text)) {
    const likelihoods = classifier.likelihoods.get(feature)
    if (likelihoods === undefined) continue
    weights += weight
    likelihoods.forEach((likelihood, index) => (scores[index]! += weight * likelihood))
  }
  const shares = softmax(scores.map((score) => (score * TEMPERATURE) / Math.max(weights, 25)))
  return classifier.classes
    .map((name, index) => ({ class: name, confidence: shares[index]! }))
    .sort((one, other) => other.confidence - one.confidence || one.class.localeCompare(other.class))
}

function softmax(scores: Float64Array): Float64Array {
  const highest = Math.max(...scores)
  const powers = scores.map((score) => Math.exp(score - highest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
