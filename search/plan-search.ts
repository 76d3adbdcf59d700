import { MinferenceError } from '../src/errors.js';
import { MAX_SAMPLES, MAX_TOKENS } from '../src/patterns/limits.js';
import { OBJECTIVES, type Objective } from '../src/patterns/pattern-file.js';
import { parseBudget } from './budget.js';
import { type CalibrationSet, parseCalibration } from './calibration.js';
import type { SearchOptions } from './types.js';

export const DEFAULT_LENGTH = 8192;
const DEFAULT_BUDGET = '20%';
const DEFAULT_CALIBRATION = 'kv';
const DEFAULT_SAMPLES = 1;
/** Below it every pattern is dense after rounding to tiles. */
const MIN_LENGTH = 256;

/** Checked options with their defaults; nothing is loaded yet. */
export interface SearchPlan {
  /** Undefined leaves it to the model: {@link DEFAULT_LENGTH}, or its positions where it has fewer. */
  length: number | undefined;
  budget: string;
  sets: CalibrationSet[];
  samples: number;
  objective: Objective;
  seed: number;
}

/**
 * Checks what can be checked before the model is loaded.
 *
 * @throws {MinferenceError} USAGE
 */
export function planSearch(options: SearchOptions): SearchPlan {
  const {
    length,
    budget = DEFAULT_BUDGET,
    calibration = DEFAULT_CALIBRATION,
    samples = DEFAULT_SAMPLES,
    objective = 'answer',
    seed = 0,
  } = options;
  if (length !== undefined) checkInteger('length', length, MIN_LENGTH, MAX_TOKENS);
  checkInteger('samples', samples, 1, MAX_SAMPLES);
  checkInteger('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  if (!OBJECTIVES.includes(objective)) {
    throw new MinferenceError('USAGE', `objective: expected one of ${OBJECTIVES.join(', ')}, found "${objective}"`);
  }
  parseBudget(budget);
  return { length, budget, sets: parseCalibration(calibration), samples, objective, seed };
}

function checkInteger(name: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new MinferenceError('USAGE', `${name}: expected a whole number from ${min} to ${max}, found ${value}`);
}
