import { loadHaystack } from '../../datasets/load-haystack.js';
import { loadQuestions } from '../../datasets/load-questions.js';
import { loadWords } from '../../datasets/load-words.js';
import { MinferenceError } from '../../errors.js';
import { ascending, fittingLengths } from '../default-lengths.js';
import { drawCurves } from '../harness/draw-curves.js';
import { parseMethods } from '../methods/parse-methods.js';
import { parseTasks } from '../parse-tasks.js';
import type { Suite } from '../suite.js';
import { loadRulerFiles } from './load-files.js';
import { type RulerOptions, rulerSchema } from './options.js';
import { RULER_CHOICE } from './tasks.js';

const DEFAULT_LENGTHS: readonly number[] = [4096, 8192, 16_384];
const DEFAULT_SAMPLES = 10;
const MADE_BY_US = ['era', 'haystack', 'qa1', 'qa2'] as const;

/** RULER's thirteen tasks (arXiv 2404.06654). */
export const rulerSuite: Suite<RulerOptions> = {
  name: 'ruler',
  schema: rulerSchema,
  plan(options, contextLength = Infinity) {
    const { lengths = fittingLengths(DEFAULT_LENGTHS, contextLength), samples = DEFAULT_SAMPLES } = options;
    const { seed = 0, era = '2025', tasks = 'all', methods = 'dense,minference' } = options;
    if (options.data !== undefined) checkDataOptions(options);
    return {
      tasks: parseTasks(tasks, RULER_CHOICE),
      lengths: ascending(lengths),
      depths: null,
      samples,
      seed,
      era,
      methods: parseMethods(methods),
    };
  },
  async load({ tasks }, { haystack: path, qa1, qa2, data, skipBad }, progress) {
    if (data !== undefined) return loadRulerFiles(data, tasks, { skipBad: skipBad ?? false, progress });
    const wants = (name: string) => tasks.some((task) => task.name === name);
    const [haystack, words, first, second] = await Promise.all([
      loadHaystack(path),
      loadWords(),
      wants('qa_1') ? loadQuestions('qa_1', qa1) : undefined,
      wants('qa_2') ? loadQuestions('qa_2', qa2) : undefined,
    ]);
    return {
      sources: {
        ...words,
        essays: haystack.essays,
        questions: { ...(first && { qa_1: first.set }), ...(second && { qa_2: second.set }) },
      },
      files: {
        haystack: { name: haystack.name, sha256: haystack.sha256 },
        words: { name: 'words', sha256: words.sha256 },
        ...(first && { qa_1: { name: first.name, sha256: first.sha256 } }),
        ...(second && { qa_2: { name: second.name, sha256: second.sha256 } }),
      },
    };
  },
  draw: (results) => ({ 'curves.svg': drawCurves(results) }),
};

/** Prompts of files are what they are. */
function checkDataOptions(options: RulerOptions): void {
  const own = MADE_BY_US.find((name) => options[name] !== undefined);
  if (own !== undefined) {
    throw new MinferenceError('USAGE', `expected no ${own} beside data, whose prompts are made already`, {
      hint: `leave out either data or ${own}`,
    });
  }
  if (options.lengths?.length !== 1) {
    throw new MinferenceError('USAGE', `expected one length beside data, found ${options.lengths?.length ?? 'none'}`, {
      hint: 'give the length that the files were made for, such as --lengths 4k',
    });
  }
}
