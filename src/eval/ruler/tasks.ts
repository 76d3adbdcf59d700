import { commonWords } from '../../prompts/common-words.js';
import { documentQuestions } from '../../prompts/document-questions.js';
import { frequentWords } from '../../prompts/frequent-words.js';
import { TASKS as NIAH_TASKS } from '../niah/tasks.js';
import type { TaskChoice } from '../parse-tasks.js';
import type { EvalTask } from '../task.js';

const RULER = { source: 'RULER', metric: 'string_match_all' } as const;

const needles = NIAH_TASKS.filter(({ source }) => source === 'RULER');

/** RULER's thirteen tasks in its own order, with the answer lengths of its `constants.py`. */
export const RULER_TASKS: readonly EvalTask[] = [
  ...needles,
  { ...RULER, name: 'cwe', generator: commonWords, maxNewTokens: 120 },
  { ...RULER, name: 'fwe', generator: frequentWords, maxNewTokens: 50 },
  {
    ...RULER,
    name: 'qa_1',
    generator: documentQuestions('qa_1'),
    maxNewTokens: 32,
    metric: 'string_match_part',
    varies: true,
  },
  {
    ...RULER,
    name: 'qa_2',
    generator: documentQuestions('qa_2'),
    maxNewTokens: 32,
    metric: 'string_match_part',
    varies: true,
  },
];

const named = (...starts: string[]) =>
  RULER_TASKS.map(({ name }) => name).filter((name) => starts.some((start) => name.startsWith(start)));

/** RULER's four categories, and short names. */
export const RULER_CHOICE: TaskChoice = {
  tasks: RULER_TASKS,
  groups: {
    all: named(''),
    niah: named('niah_'),
    single: named('niah_single_'),
    multikey: named('niah_multikey_'),
    aggregation: ['cwe', 'fwe'],
    qa: ['qa_1', 'qa_2'],
    ...Object.fromEntries(named('niah_').map((name) => [name.slice('niah_'.length), [name]])),
  },
  example: 'niah,vt,cwe,fwe,qa',
  note: 'niah_ may be left out',
};
