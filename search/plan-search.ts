import type { Objective } from '../src/patterns/pattern-file.js';
import { checkOptions } from '../src/utils/check-options.js';
import { type BudgetSpec, parseBudget } from './budget.js';
import { type CalibrationSet, parseCalibration } from './calibration.js';
import { searchSchema } from './options.js';
import type { SearchOptions } from './types.js';

export const DEFAULT_LENGTH = 8192;
const DEFAULT_BUDGET = '20%';
const DEFAULT_CALIBRATION = 'kv';
const DEFAULT_SAMPLES = 1;

/** Checked options with their defaults; nothing is loaded yet. */
export interface SearchPlan {
  /** Undefined leaves it to the model: {@link DEFAULT_LENGTH}, or its positions where it has fewer. */
  length: number | undefined;
  budget: BudgetSpec;
  /** The budget as the user gave it. */
  budgetText: string;
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
  checkOptions(searchSchema, options, 'search');
  const {
    length,
    budget = DEFAULT_BUDGET,
    calibration = DEFAULT_CALIBRATION,
    samples = DEFAULT_SAMPLES,
    objective = 'answer',
    seed = 0,
  } = options;
  return {
    length,
    budget: parseBudget(budget),
    budgetText: budget.trim(),
    sets: parseCalibration(calibration),
    samples,
    objective,
    seed,
  };
}
