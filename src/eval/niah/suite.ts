import { loadHaystack } from '../../datasets/load-haystack.js';
import { loadWords } from '../../datasets/load-words.js';
import { ascending, fittingLengths } from '../default-lengths.js';
import { drawCurves } from '../harness/draw-curves.js';
import { drawHeatMaps } from '../harness/draw-heat-maps.js';
import { parseMethods } from '../methods/parse-methods.js';
import { parseTasks } from '../parse-tasks.js';
import type { Suite } from '../suite.js';
import { type NiahOptions, niahSchema } from './options.js';
import { parseDepths } from './parse-depths.js';
import { NIAH_CHOICE } from './tasks.js';

export const DEFAULT_LENGTHS: readonly number[] = [2048, 4096, 8192, 16_384];

/** Needle in a haystack: facts hidden at chosen depths of long texts. */
export const niahSuite: Suite<NiahOptions> = {
  name: 'niah',
  schema: niahSchema,
  plan(options, contextLength = Infinity) {
    const { lengths = fittingLengths(DEFAULT_LENGTHS, contextLength), depths = 5, samples = 1, seed = 0 } = options;
    const { tasks = 'single,multikey,kv', methods = 'dense,a_shape,minference' } = options;
    return {
      tasks: parseTasks(tasks, NIAH_CHOICE),
      lengths: ascending(lengths),
      depths: parseDepths(depths),
      samples,
      seed,
      era: '2025',
      methods: parseMethods(methods),
    };
  },
  async load(_plan, { haystack: path }) {
    const [haystack, words] = await Promise.all([loadHaystack(path), loadWords()]);
    return {
      sources: { ...words, essays: haystack.essays, questions: {} },
      files: {
        haystack: { name: haystack.name, sha256: haystack.sha256 },
        words: { name: 'words', sha256: words.sha256 },
      },
    };
  },
  draw: (results) => ({ 'heatmap.svg': drawHeatMaps(results), 'curves.svg': drawCurves(results) }),
};
