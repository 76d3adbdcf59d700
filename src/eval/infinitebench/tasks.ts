import { benchmarkItems } from '../../prompts/benchmark-items.js';
import { kvTask } from '../../prompts/kv-task.js';
import { mathFind } from '../../prompts/math-find.js';
import { numberString } from '../../prompts/number-string.js';
import { passkey } from '../../prompts/passkey.js';
import { WORDING, type Wording } from '../../prompts/wording.js';
import type { MetricName } from '../metrics/metrics.js';
import type { TaskChoice } from '../parse-tasks.js';
import type { EvalTask } from '../task.js';

const generated = (name: string, rest: Pick<EvalTask, 'generator' | 'maxNewTokens' | 'metric'>): EvalTask => ({
  name,
  source: 'InfiniteBench',
  ...rest,
});

const ofItems = (name: string, wording: Wording, maxNewTokens: number, metric: MetricName): EvalTask => ({
  ...generated(name, { generator: benchmarkItems(name, wording), maxNewTokens, metric }),
  varies: true,
});

/** Tasks whose prompts are made, like the originals, by a program. */
export const GENERATED_TASKS: readonly EvalTask[] = [
  generated('passkey', { generator: passkey, maxNewTokens: 6, metric: 'first_digits' }),
  generated('number_string', { generator: numberString, maxNewTokens: 12, metric: 'first_digits' }),
  generated('kv_retrieval', { generator: kvTask, maxNewTokens: 50, metric: 'value_among_words' }),
  generated('math_find', { generator: mathFind, maxNewTokens: 3, metric: 'first_number' }),
];

/** Tasks that need the benchmark's own texts: a user's copy. */
export const ITEM_TASKS: readonly EvalTask[] = [
  ofItems('longbook_sum_eng', WORDING.longbookSum, 1200, 'rouge_l_sum'),
  ofItems('longbook_qa_eng', WORDING.longbookQa, 40, 'word_f1'),
  ofItems('longbook_choice_eng', WORDING.longbookChoice, 40, 'choice'),
  ofItems('longdialogue_qa_eng', WORDING.longDialogue, 40, 'name_among_words'),
  ofItems('longbook_qa_chn', WORDING.longbookQaChinese, 40, 'character_f1'),
  ofItems('code_debug', WORDING.codeDebug, 5, 'function_or_letter'),
  ofItems('code_run', WORDING.codeRun, 5, 'last_integer'),
  ofItems('math_calc', WORDING.mathCalc, 30_000, 'correct_prefix'),
];

/** InfiniteBench's twelve tasks with its answer lengths. */
export const INFINITEBENCH_TASKS: readonly EvalTask[] = [...GENERATED_TASKS, ...ITEM_TASKS];

export const INFINITEBENCH_CHOICE: TaskChoice = {
  tasks: INFINITEBENCH_TASKS,
  groups: {
    all: INFINITEBENCH_TASKS.map(({ name }) => name),
    generated: GENERATED_TASKS.map(({ name }) => name),
    english: ['longbook_sum_eng', 'longbook_qa_eng', 'longbook_choice_eng', 'longdialogue_qa_eng'],
    code: ['code_debug', 'code_run'],
    kv: ['kv_retrieval'],
  },
  example: 'passkey,number_string,kv_retrieval',
};
