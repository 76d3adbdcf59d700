import type { Objective } from '../src/patterns/pattern-file.js';
import type { CombinedScore } from './scores.js';

/**
 * What the search minimises, from 0 (as good as dense) up. A loss that is not a number (a broken activation somewhere)
 * counts as infinitely bad.
 */
export const LOSS: Record<Objective, (score: CombinedScore) => number> = {
  /** Error of the last 64 rows: those that carry the question, and from which the first token comes. */
  answer: ({ errorLast }) => finite(errorLast),
  /** Error of all rows: the paper's. */
  output: ({ errorAll }) => finite(errorAll),
  /** Both errors, as the sides of a right angle: rows in between count as much as those of the question. */
  both: ({ errorLast, errorAll }) => finite(Math.hypot(errorLast, errorAll)),
  /** Softmax mass that is lost. */
  mass: ({ massRecall }) => finite(1 - massRecall),
};

const finite = (loss: number) => (Number.isFinite(loss) ? loss : Number.POSITIVE_INFINITY);
