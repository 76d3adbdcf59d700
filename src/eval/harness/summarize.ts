import { mean, median } from '../../utils/statistics.js';
import { isYesOrNo } from '../metrics/string-match.js';
import { pairedInterval } from '../stats/paired.js';
import { wilsonInterval } from '../stats/wilson.js';
import type { Answer, EvalResults, EvaluatedPrompt, ResultAggregate, ResultCell, ResultRow } from './results.js';

/** What all others are compared with. */
export const BASELINE = 'dense';

type Failures = EvalResults['failures'];

/** Scores per length, task and method: what was measured. */
export function summarizeRows(
  prompts: readonly EvaluatedPrompt[],
  methods: readonly string[],
  failures: Failures,
): ResultRow[] {
  return groups(prompts, ({ length, task }) => [length, task]).flatMap((group) =>
    methods.flatMap((method) => {
      const { length, task } = group[0]!;
      const failed = failures.filter(
        (failure) => failure.method === method && failure.length === length && failure.task === task,
      ).length;
      const pairs = pairsOf(group, method);
      const statistics = statisticsOf(group, method, failed, [pairs]);
      return statistics ? [{ length, task, ...statistics, ...timesOf(group, method) }] : [];
    }),
  );
}

/** Means over the tasks, per length and over all lengths. Every task counts alike, whatever its number of prompts. */
export function summarizeAggregates(
  prompts: readonly EvaluatedPrompt[],
  methods: readonly string[],
  failures: Failures,
): ResultAggregate[] {
  const lengths = [...new Set(prompts.map(({ length }) => length))].sort((a, b) => a - b);
  return [...lengths, ...(lengths.length > 1 ? [null] : [])].flatMap((length) => {
    const group = prompts.filter((prompt) => length === null || prompt.length === length);
    return methods.flatMap((method) => {
      const failed = failures.filter(
        (failure) => failure.method === method && (length === null || failure.length === length),
      ).length;
      const cells = groups(group, ({ length, task }) => [length, task]).filter((cell) =>
        cell.some((prompt) => answerBy(prompt, method)),
      );
      const statistics = statisticsOf(
        group,
        method,
        failed,
        cells.map((cell) => pairsOf(cell, method)),
      );
      if (!statistics) return [];
      const times = length === null ? { prefill_ms: null, speedup: null } : timesOf(group, method);
      return [{ length, tasks: new Set(cells.map(([prompt]) => prompt!.task)).size, ...statistics, ...times }];
    });
  });
}

/** Scores per task, length, depth and method. */
export function summarizeCells(prompts: readonly EvaluatedPrompt[], methods: readonly string[]): ResultCell[] {
  const placed = prompts.filter(({ depth }) => depth !== null);
  return groups(placed, ({ task, length, depth }) => [task, length, depth]).flatMap((group) => {
    const { task, length, depth } = group[0]!;
    return methods.flatMap((method) => {
      const answers = answersOf(group, method);
      if (answers.length === 0) return [];
      return [
        {
          task,
          length,
          depth: depth!,
          method,
          n: answers.length,
          ...scoreOf(mean(answers.map(scored)), answers.length),
        },
      ];
    });
  });
}

/** RULER's: the longest length whose mean exceeds what Llama-2 7B reaches at 4K. */
export function effectiveLengths(aggregates: readonly ResultAggregate[], methods: readonly string[], threshold = 85.6) {
  return methods.map((method) => {
    const passed = aggregates.filter((row) => row.method === method && row.length !== null && row.score > threshold);
    return { method, length: passed.length === 0 ? null : Math.max(...passed.map(({ length }) => length!)) };
  });
}

/** Two answers to one prompt. */
interface Pair {
  dense: Answer;
  own: Answer;
}

/**
 * @param pairs by task and length: the mean is taken over the means of these
 * @returns undefined where there is neither an answer nor a failure
 */
function statisticsOf(group: readonly EvaluatedPrompt[], method: string, failed: number, pairs: readonly Pair[][]) {
  const answers = answersOf(group, method);
  if (answers.length === 0) return undefined;
  const byTask = groups(group, ({ length, task }) => [length, task])
    .map((cell) => answersOf(cell, method))
    .filter((cell) => cell.length > 0);
  const score = mean(byTask.map((cell) => mean(cell.map(scored))));
  const yesNo = answersOf(
    group.filter(({ references }) => isYesOrNo(references)),
    method,
  );
  const computed = answers.flatMap(({ computed }) => computed ?? []);
  return {
    method,
    n: answers.length,
    ...scoreOf(score, answers.length),
    ...(method === BASELINE ? NO_COMPARISON : compare(pairs)),
    truncated: answers.filter(({ stopped }) => stopped === 'length').length,
    yes_no: yesNo.length === 0 ? null : { n: yesNo.length, score: rounded(100 * mean(yesNo.map(scored))) },
    failed,
    computed: computed.length === 0 ? null : Number(mean(computed).toPrecision(4)),
  };
}

const NO_COMPARISON = {
  difference: null,
  difference_low: null,
  difference_high: null,
  better: null,
  worse: null,
};

/** The mean over tasks of the differences; its interval from all pairs, each weighted by its task. */
function compare(byTask: readonly Pair[][]) {
  const tasks = byTask.filter((pairs) => pairs.length > 0);
  if (tasks.length === 0) return NO_COMPARISON;
  const count = tasks.reduce((sum, pairs) => sum + pairs.length, 0);
  const differences = tasks.map((pairs) => pairs.map(({ dense, own }) => own.score - dense.score));
  const all = differences.flat();
  // Tasks of unequal size: pairs count so that every task counts alike. Of equal size, the weights are 1.
  const weighted = differences.flatMap((list) => list.map((value) => (value * count) / (list.length * tasks.length)));
  const [low, high] = pairedInterval(weighted);
  return {
    difference: rounded(100 * mean(weighted)),
    difference_low: rounded(100 * low),
    difference_high: rounded(100 * high),
    better: all.filter((difference) => difference > 0).length,
    worse: all.filter((difference) => difference < 0).length,
  };
}

function timesOf(group: readonly EvaluatedPrompt[], method: string) {
  const medianOf = (list: readonly Answer[]) => median(list.map(({ prefill_ms }) => prefill_ms));
  const pairs = method === BASELINE ? [] : pairsOf(group, method);
  const [dense, own] = [medianOf(pairs.map((pair) => pair.dense)), medianOf(pairs.map((pair) => pair.own))];
  return {
    prefill_ms: rounded(medianOf(answersOf(group, method))),
    speedup: own > 0 ? Number((dense / own).toPrecision(4)) : null,
  };
}

function scoreOf(score: number, n: number) {
  const [low, high] = wilsonInterval(score, n);
  return { score: rounded(100 * score), low: rounded(100 * low), high: rounded(100 * high) };
}

function pairsOf(group: readonly EvaluatedPrompt[], method: string): Pair[] {
  return group.flatMap((prompt) => {
    const [dense, own] = [answerBy(prompt, BASELINE), answerBy(prompt, method)];
    return dense && own ? [{ dense, own }] : [];
  });
}

function groups(prompts: readonly EvaluatedPrompt[], keyOf: (prompt: EvaluatedPrompt) => unknown[]) {
  const found = new Map<string, EvaluatedPrompt[]>();
  for (const prompt of prompts) {
    const key = JSON.stringify(keyOf(prompt));
    const group = found.get(key);
    if (group) group.push(prompt);
    else found.set(key, [prompt]);
  }
  return [...found.values()];
}

const answersOf = (group: readonly EvaluatedPrompt[], method: string) =>
  group.flatMap((prompt) => answerBy(prompt, method) ?? []);
const answerBy = ({ answers }: EvaluatedPrompt, method: string) => answers.find((answer) => answer.method === method);
const scored = ({ score }: Answer) => score;
/** Two decimals, as RULER rounds. */
const rounded = (value: number) => Math.round(value * 100) / 100;
