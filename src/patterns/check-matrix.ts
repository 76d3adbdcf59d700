import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { describeProblem } from '../utils/zod-problem.js';
import { choiceSchema, type HeadChoice } from './head-choice.js';
import { MAX_HEADS, MAX_LAYERS } from './limits.js';

/** A layer that stays as it is has no heads here; how many the others have is compared with the model. */
const matrixSchema = z.array(z.array(choiceSchema).max(MAX_HEADS)).min(1).max(MAX_LAYERS);

/**
 * Checks patterns given as [layer][head] as strictly as those of a file.
 *
 * @throws {MinferenceError} PATTERNS_INVALID naming layer and head, what was expected and what was found.
 */
export function checkMatrix(value: unknown): asserts value is readonly (readonly HeadChoice[])[] {
  const result = matrixSchema.safeParse(value, { reportInput: true });
  if (result.success) return;
  throw new MinferenceError('PATTERNS_INVALID', `patterns: ${describeProblem(result.error)}`, {
    hint: 'patterns are a list of layers, each a list of heads such as { type: "a_shape", sink: 64, window: 1024 }',
  });
}
