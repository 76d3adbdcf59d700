import { postProcess } from './post-process.js';

/** Answers that a longer word may hold by chance ("no" in "know"). */
const YES_OR_NO = /^(?:yes|no)$/i;

/** RULER's `string_match_all`: the share of the references that the answer contains, in whatever case. */
export const stringMatchAll = (prediction: string, references: readonly string[]): number =>
  matches(prediction, references).filter(Boolean).length / references.length;

/** RULER's `string_match_part`: 1 when the answer contains any reference, in whatever case. */
export const stringMatchPart = (prediction: string, references: readonly string[]): number =>
  matches(prediction, references).some(Boolean) ? 1 : 0;

/** Yes and no have to be words of the answer, which is stricter than RULER. */
function matches(prediction: string, references: readonly string[]): boolean[] {
  const answer = postProcess(prediction).toLowerCase();
  return references.map((reference) => {
    const wanted = reference.toLowerCase();
    return YES_OR_NO.test(wanted) ? new RegExp(`\\b${wanted}\\b`).test(answer) : answer.includes(wanted);
  });
}

/** Whether a question is one of those that yes or no answers. */
export const isYesOrNo = (references: readonly string[]): boolean => references.every((text) => YES_OR_NO.test(text));
