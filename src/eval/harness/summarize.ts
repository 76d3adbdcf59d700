import { mean, median } from '../../utils/statistics.js';
import { wilsonInterval } from '../stats/wilson.js';
import type { Answer, EvaluatedPrompt, ResultCell, ResultRow } from './results.js';

const BASELINE = 'dense';

/** Scores per method over all prompts, per length, and per length and task. */
export function summarizeRows(prompts: readonly EvaluatedPrompt[], methods: readonly string[]): ResultRow[] {
  const lengths = distinct(prompts.map(({ length }) => length)).sort((a, b) => a - b);
  const tasks = distinct(prompts.map(({ task }) => task));
  const row = (length: number | null, task: string | null) => {
    const group = prompts.filter(
      (prompt) => [null, prompt.length].includes(length) && [null, prompt.task].includes(task),
    );
    return methods.flatMap((method) => summarizeRow(group, { length, task, method }));
  };
  return [
    ...row(null, null),
    ...lengths.flatMap((length) => row(length, null)),
    ...lengths.flatMap((length) => tasks.flatMap((task) => row(length, task))),
  ];
}

/** Scores per task, length, depth and method. */
export function summarizeCells(prompts: readonly EvaluatedPrompt[], methods: readonly string[]): ResultCell[] {
  const cells = new Map<string, EvaluatedPrompt[]>();
  for (const prompt of prompts) {
    const key = JSON.stringify([prompt.task, prompt.length, prompt.depth]);
    cells.set(key, [...(cells.get(key) ?? []), prompt]);
  }
  return [...cells.values()].flatMap((group) => {
    const { task, length, depth } = group[0]!;
    return methods.flatMap((method) => {
      const answers = group.flatMap((prompt) => answerBy(prompt, method) ?? []);
      return answers.length === 0 ? [] : [{ task, length, depth, ...scoreOf(answers, method) }];
    });
  });
}

function summarizeRow(
  group: readonly EvaluatedPrompt[],
  { length, task, method }: Pick<ResultRow, 'length' | 'task' | 'method'>,
): ResultRow[] {
  const answers = group.flatMap((prompt) => answerBy(prompt, method) ?? []);
  if (answers.length === 0) return [];
  const pairs = group.flatMap((prompt) => {
    const [dense, own] = [answerBy(prompt, BASELINE), answerBy(prompt, method)];
    return dense && own ? [{ dense, own }] : [];
  });
  return [
    {
      length,
      task,
      ...scoreOf(answers, method),
      ...(method === BASELINE ? NO_COMPARISON : compare(pairs)),
      ...(length === null ? NO_TIMES : timesOf(answers, method === BASELINE ? [] : pairs)),
    },
  ];
}

const NO_COMPARISON = { difference: null, better: null, worse: null };
const NO_TIMES = { prefill_ms: null, speedup: null };

/** Two answers to one prompt. */
interface Pair {
  dense: Answer;
  own: Answer;
}

function compare(pairs: readonly Pair[]) {
  if (pairs.length === 0) return NO_COMPARISON;
  const differences = pairs.map(({ dense, own }) => own.score - dense.score);
  return {
    difference: rounded(100 * mean(differences)),
    better: differences.filter((difference) => difference > 0).length,
    worse: differences.filter((difference) => difference < 0).length,
  };
}

/** Times of prompts of one length. */
function timesOf(answers: readonly Answer[], pairs: readonly Pair[]) {
  const medianOf = (list: readonly Answer[]) => median(list.map(({ prefill_ms }) => prefill_ms));
  const [dense, own] = [medianOf(pairs.map((pair) => pair.dense)), medianOf(pairs.map((pair) => pair.own))];
  return { prefill_ms: rounded(medianOf(answers)), speedup: own > 0 ? Number((dense / own).toPrecision(4)) : null };
}

function scoreOf(answers: readonly Answer[], method: string) {
  const score = mean(answers.map((answer) => answer.score));
  const [low, high] = wilsonInterval(score, answers.length);
  return { method, n: answers.length, score: rounded(100 * score), low: rounded(100 * low), high: rounded(100 * high) };
}

const answerBy = ({ answers }: EvaluatedPrompt, method: string) => answers.find((answer) => answer.method === method);
const distinct = <Value>(values: readonly Value[]) => [...new Set(values)];
/** Two decimals, as RULER rounds. */
const rounded = (value: number) => Math.round(value * 100) / 100;
