import type { AnswerStore, MethodIdentity } from './answers.js';
import { type GridPlace, placesOf } from './grid.js';
import { EVAL_SCHEMA, type EvalResults, type EvalSetup, type EvaluatedPrompt } from './results.js';
import { effectiveLengths, summarizeAggregates, summarizeCells, summarizeRows } from './summarize.js';

/** Scores of what was answered, with everything that they depend on. Needs no model, so that parts can be merged. */
export function buildResults(
  setup: EvalSetup,
  answers: AnswerStore,
): { results: EvalResults; prompts: EvaluatedPrompt[] } {
  const methods = methodsOf(setup);
  const names = methods.map(({ name }) => name);
  const places = placesInOrder(setup);
  const prompts = answers.collect(places, methods);
  const failures = answers.failures(places, methods).map(({ patterns_sha256: _, ...failure }) => failure);
  const aggregates = summarizeAggregates(prompts, names, failures);
  const results: EvalResults = {
    schema: EVAL_SCHEMA,
    ...setup,
    finished: new Date().toISOString(),
    effective_lengths: setup.evaluation === 'ruler' ? effectiveLengths(aggregates, names) : [],
    aggregates,
    rows: summarizeRows(prompts, names, failures),
    cells: summarizeCells(prompts, names),
    failures,
  };
  return { results, prompts };
}

/** All places of an evaluation by length, task, depth and sample. */
export function placesInOrder(setup: EvalSetup): GridPlace[] {
  const { tasks, lengths, depths, samples } = setup.options;
  return placesOf({
    tasks: tasks.map(({ name, count }) => ({ name, count: count ?? samples })),
    lengths,
    depths,
    samples,
  }).sort(placeOrder(setup));
}

/** Compares places of an evaluation by length, task, depth and sample. */
export function placeOrder({ options }: Pick<EvalSetup, 'options'>): (a: GridPlace, b: GridPlace) => number {
  const order = new Map(options.tasks.map(({ name }, index) => [name, index]));
  return (a, b) =>
    a.length - b.length ||
    order.get(a.task)! - order.get(b.task)! ||
    (a.depth ?? 0) - (b.depth ?? 0) ||
    a.sample - b.sample;
}

/** The methods of an evaluation with the patterns that they used. */
export const methodsOf = ({ options }: EvalSetup): MethodIdentity[] =>
  options.methods.map(({ name, patterns }) => ({
    name,
    // A file that was edited may have a length without patterns: nothing was answered with those.
    patternsSha256: (length) => patterns.find((entry) => entry.length === length)?.sha256 ?? '',
  }));
