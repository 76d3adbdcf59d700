import { uniformPatterns } from '../../patterns/uniform-patterns.js';
import { formatPercent } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { describeSizes, type MethodName, methodKind } from './catalog.js';
import { type FittedSizes, fitToCost } from './equal-cost.js';
import type { Method } from './method.js';
import type { MethodContext } from './method-context.js';
import type { MethodSpec } from './parse-methods.js';
import { type UniformBudget, uniformPattern } from './uniform-budget.js';

/** Methods whose cost is known without a prompt. */
const BY_FORMULA = ['a_shape', 'block_sparse'] as const;

/** One choice of keys for all heads: with sizes of its own, of its publication, or as large as the budget allows. */
export function uniformMethod(
  { name, method, sizes }: Extract<MethodSpec, { kind: 'uniform' }>,
  budget: UniformBudget,
  context: MethodContext,
): Method {
  const { budgets, equalCost } = context.budgets ?? {};
  if (sizes) return ofSizes(name, method, sizes, context);
  if (budgets === 'paper') return ofSizes(name, method, methodKind(method).paper, context);
  const formula = equalCost === undefined && BY_FORMULA.find((type) => type === method);
  return formula
    ? byFormula(name, formula, budget, context)
    : atCost(name, method, equalCost ?? budget.fraction, context);
}

function ofSizes(name: string, method: MethodName, sizes: readonly number[], context: MethodContext): Method {
  const patterns = inAllHeads(method, context)(sizes);
  return {
    name,
    description: `${describeSizes(method, sizes)} in all heads`,
    patterns: () => patterns,
    identity: () => identityOf(method, sizes, context),
  };
}

function byFormula(
  name: string,
  type: (typeof BY_FORMULA)[number],
  budget: UniformBudget,
  { decoder: { layers, numLayers }, geometry }: MethodContext,
): Method {
  const headDim = layers[0]!.headDim;
  const at = (length: number) => uniformPattern(type, { length, headDim, geometry, fraction: budget.fraction });
  const share = formatPercent(budget.fraction, 0);
  if (budget.length === null) {
    const description = `${type} in all heads, ${share} of dense at every length`;
    return { name, description, patterns: (length) => uniformPatterns(layers, at(length), numLayers) };
  }
  const fitted = at(budget.length);
  const sizes = fitted.type === 'a_shape' ? [fitted.sink, fitted.window] : [(fitted as { blocks: number }).blocks];
  const description = `${describeSizes(type, sizes)} in all heads, ${share} of dense at ${budget.length} tokens`;
  return { name, description, patterns: () => uniformPatterns(layers, fitted, numLayers) };
}

/** Fitted to each length by prefills of prompts that are not evaluated. */
function atCost(name: string, method: MethodName, fraction: number, context: MethodContext): Method {
  const fitted = new Map<number, FittedSizes>();
  const patterns = inAllHeads(method, context);
  return {
    name,
    get description() {
      const parts = [...fitted].map(
        ([length, { sizes, cost }]) =>
          `${describeSizes(method, sizes)} (${formatPercent(cost)}) at ${formatTokenCount(length)}`,
      );
      return `at most ${formatPercent(fraction)} of dense: ${parts.join('; ')}`;
    },
    patterns: (length) => patterns(fitted.get(length)!.sizes),
    identity: (length) => identityOf(method, fitted.get(length)!.sizes, context),
    async prepare(trial) {
      for (const length of trial.lengths) {
        const found = await fitToCost({ method, fraction, length, patterns, trial });
        fitted.set(length, found);
        const what = `${describeSizes(method, found.sizes)} at ${formatTokenCount(length)} computes ${formatPercent(found.cost)} of dense`;
        if (found.cost > fraction) trial.progress.warn(`${what}: it cannot do with ${formatPercent(fraction)}`);
        else trial.progress.note(what);
      }
    },
  };
}

const inAllHeads =
  (method: MethodName, { decoder: { layers, numLayers } }: MethodContext) =>
  (sizes: readonly number[]) =>
    uniformPatterns(layers, methodKind(method).choice(sizes), numLayers);

/** Patterns that are functions cannot be hashed; others are hashed as they are. */
const identityOf = (method: MethodName, sizes: readonly number[], context: MethodContext): unknown =>
  methodKind(method).explicit ? { method, sizes } : inAllHeads(method, context)(sizes);
