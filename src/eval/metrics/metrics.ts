import {
  choice,
  correctPrefix,
  firstDigits,
  firstNumber,
  functionOrLetter,
  lastInteger,
  nameAmongWords,
  valueAmongWords,
} from './infinitebench.js';
import { rougeLSum } from './rouge-l-sum.js';
import { stringMatchAll, stringMatchPart } from './string-match.js';
import { characterF1, wordF1 } from './token-f1.js';

/** Scores one answer, from 0 to 1. */
export type Metric = (prediction: string, references: readonly string[]) => number;

/** By the names that results carry. */
export const METRICS = {
  string_match_all: stringMatchAll,
  string_match_part: stringMatchPart,
  value_among_words: valueAmongWords,
  first_digits: firstDigits,
  first_number: firstNumber,
  last_integer: lastInteger,
  name_among_words: nameAmongWords,
  function_or_letter: functionOrLetter,
  choice,
  correct_prefix: correctPrefix,
  word_f1: wordF1,
  character_f1: characterF1,
  rouge_l_sum: (prediction, references) => Math.max(...references.map((reference) => rougeLSum(prediction, reference))),
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof METRICS;
