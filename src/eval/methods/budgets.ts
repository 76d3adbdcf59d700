import { z } from 'zod';
import { MinferenceError } from '../../errors.js';
import * as option from '../../utils/option-schemas.js';

/** What methods without sizes may cost. */
export interface MethodBudgets {
  /** `patterns` (default): what the pattern file may; `paper`: sizes of the methods' own publications. */
  budgets?: 'patterns' | 'paper';
  /** Share of dense that each may compute at every length, as measured before, on other prompts where there are any. */
  equalCost?: number;
}

const error = 'expected a share of dense from above 0 to 1';

export const budgetShape = {
  budgets: option.oneOf(['patterns', 'paper']).optional(),
  equalCost: z.number({ error }).gt(0, { error }).max(1, { error }).optional(),
};

/** @throws {MinferenceError} USAGE for two that contradict each other */
export function checkBudgets({ budgets, equalCost }: MethodBudgets): void {
  if (budgets !== 'paper' || equalCost === undefined) return;
  throw new MinferenceError('USAGE', 'expected budgets of the papers or an equal cost, found both', {
    hint: 'leave out either --budgets paper or --equal-cost',
  });
}
