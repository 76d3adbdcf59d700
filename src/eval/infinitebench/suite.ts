import { join } from 'node:path';
import { loadHaystack } from '../../datasets/load-haystack.js';
import { loadWords } from '../../datasets/load-words.js';
import { MinferenceError } from '../../errors.js';
import { hashFile } from '../../utils/hash-file.js';
import { ascending, fittingLengths } from '../default-lengths.js';
import { drawCurves } from '../harness/draw-curves.js';
import { parseMethods } from '../methods/parse-methods.js';
import { parseTasks } from '../parse-tasks.js';
import type { Suite } from '../suite.js';
import { loadItems } from './load-items.js';
import { type InfiniteBenchOptions, infiniteBenchSchema } from './options.js';
import { INFINITEBENCH_CHOICE, ITEM_TASKS } from './tasks.js';

const DEFAULT_LENGTHS: readonly number[] = [16_384];
const DEFAULT_SAMPLES = 10;

const isItemTask = ({ name }: { name: string }) => ITEM_TASKS.some((task) => task.name === name);

/** InfiniteBench (arXiv 2402.13718): long texts that lose their middle where they do not fit. */
export const infiniteBenchSuite: Suite<InfiniteBenchOptions> = {
  name: 'infinitebench',
  schema: infiniteBenchSchema,
  plan(options, contextLength = Infinity) {
    const { lengths = fittingLengths(DEFAULT_LENGTHS, contextLength), samples = DEFAULT_SAMPLES, seed = 0 } = options;
    const { data, tasks = data === undefined ? 'generated' : 'all', methods = 'dense,minference' } = options;
    const chosen = parseTasks(tasks, INFINITEBENCH_CHOICE);
    const needy = chosen.filter(isItemTask).map(({ name }) => name);
    if (data === undefined && needy.length > 0) {
      throw new MinferenceError('USAGE', `expected data for ${needy.join(', ')}, found none`, {
        hint: 'give the folder of your copy of InfiniteBench with --data, or take the tasks of the group generated',
      });
    }
    return {
      tasks: chosen,
      lengths: ascending(lengths),
      depths: null,
      samples,
      seed,
      era: '2025',
      methods: parseMethods(methods),
    };
  },
  async load({ tasks, samples }, { data, skipBad }, progress) {
    const names = tasks.filter(isItemTask).map(({ name }) => name);
    const [haystack, words] = await Promise.all([loadHaystack(), loadWords()]);
    const onSkip = (problem: string) => progress.warn(`left out: ${problem}`);
    const items =
      data === undefined ? {} : await loadItems(data, names, { samples, skipBad: skipBad ?? false, onSkip });
    const hashes = await Promise.all(names.map((name) => hashFile(join(data!, `${name}.jsonl`))));
    return {
      sources: { ...words, essays: haystack.essays, questions: {}, items },
      files: {
        haystack: { name: haystack.name, sha256: haystack.sha256 },
        words: { name: 'words', sha256: words.sha256 },
        ...Object.fromEntries(names.map((name, index) => [name, { name: `${name}.jsonl`, sha256: hashes[index]! }])),
      },
      tasks: tasks.map((task) => (items[task.name] ? { ...task, count: items[task.name]!.length } : task)),
    };
  },
  draw: (results) => ({ 'curves.svg': drawCurves(results) }),
};
