import { kvTask } from '../../prompts/kv-task.js';
import { magicCity, originalNeedle } from '../../prompts/needle-tests.js';
import { type NiahSpec, niahGenerator } from '../../prompts/niah.js';
import { passkey } from '../../prompts/passkey.js';
import { variableTracking } from '../../prompts/variable-tracking.js';
import type { TaskChoice } from '../parse-tasks.js';
import type { EvalTask } from '../task.js';

const niah = (name: string, spec: NiahSpec): EvalTask => ({
  name,
  source: 'RULER',
  generator: niahGenerator(spec),
  maxNewTokens: 128,
  metric: 'string_match_all',
});

/** Retrieval tasks by name: RULER's with its parameters (`synthetic.yaml`), InfiniteBench's with MInference's limits. */
export const TASKS: readonly EvalTask[] = [
  niah('niah_single_1', { haystack: 'noise', keys: 'words', values: 'numbers' }),
  niah('niah_single_2', { haystack: 'essay', keys: 'words', values: 'numbers' }),
  niah('niah_single_3', { haystack: 'essay', keys: 'words', values: 'uuids' }),
  niah('niah_multikey_1', { haystack: 'essay', keys: 'words', values: 'numbers', numKeys: 4 }),
  niah('niah_multikey_2', { haystack: 'needle', keys: 'words', values: 'numbers' }),
  niah('niah_multikey_3', { haystack: 'needle', keys: 'uuids', values: 'uuids' }),
  niah('niah_multivalue', { haystack: 'essay', keys: 'words', values: 'numbers', numValues: 4 }),
  niah('niah_multiquery', { haystack: 'essay', keys: 'words', values: 'numbers', numQueries: 4 }),
  { name: 'vt', source: 'RULER', generator: variableTracking, maxNewTokens: 30, metric: 'string_match_all' },
  { name: 'kv_retrieval', source: 'InfiniteBench', generator: kvTask, maxNewTokens: 80, metric: 'string_match_all' },
  { name: 'passkey', source: 'InfiniteBench', generator: passkey, maxNewTokens: 15, metric: 'string_match_all' },
  {
    ...{ name: 'niah_original', source: 'NIAH', generator: originalNeedle },
    ...{ maxNewTokens: 50, metric: 'string_match_all' },
  },
  {
    ...{ name: 'niah_minference', source: 'MInference', generator: magicCity },
    ...{ maxNewTokens: 32, metric: 'string_match_all' },
  },
];

const all = TASKS.map(({ name }) => name);
const starting = (prefix: string) => all.filter((name) => name.startsWith(prefix));

/** Short names of tasks and groups of tasks. */
const GROUPS: TaskChoice['groups'] = {
  all,
  niah: TASKS.filter(({ name, source }) => source === 'RULER' && name.startsWith('niah_')).map(({ name }) => name),
  single: starting('niah_single_'),
  multikey: starting('niah_multikey_'),
  ...Object.fromEntries(starting('niah_').map((name) => [name.slice('niah_'.length), [name]])),
  kv: ['kv_retrieval'],
};

export const NIAH_CHOICE: TaskChoice = {
  tasks: TASKS,
  groups: GROUPS,
  example: 'single,multikey,kv',
  note: 'niah_ may be left out',
};
