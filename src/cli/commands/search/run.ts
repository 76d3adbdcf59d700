import type { SearchResult } from '../../../../search/result.js';
import { runSearch } from '../../../../search/run-search.js';
import { MinferenceError } from '../../../errors.js';
import { defined } from '../../../utils/defined.js';
import { formatQuantity } from '../../../utils/format.js';
import type { CommandRun } from '../../command-spec.js';
import { refuseForeignFile } from '../../refuse-foreign-file.js';
import type { searchOptions } from './options.js';
import { renderSearch } from './render.js';

/** What `--json` prints: everything but the file's contents, which are in the file. */
function toJson(result: SearchResult) {
  const { search, model } = result.patterns;
  return {
    out: result.out,
    map: result.map,
    model,
    device: result.device,
    budget: search?.budget,
    objective: search?.objective,
    length: search?.length,
    layers: result.layers,
    stability: result.stability,
    anomalies: result.anomalies,
    samples: result.samples,
    timings: result.timings,
    peakMemoryBytes: result.peakMemoryBytes,
  };
}

/** What a user has to know of a file in which some heads were not searched. */
function partialSearch({ anomalies }: SearchResult): MinferenceError | undefined {
  if (anomalies.length === 0) return undefined;
  const where = anomalies.map(({ layer, heads }) => `layer ${layer} (${formatQuantity(heads.length, 'head')})`);
  return new MinferenceError(
    'RUNTIME_FAILED',
    `expected finite activations, found NaN or infinity in ${where.join(', ')}: these heads stay dense`,
    { hint: 'activations overflow in this variant of the model: search another one (--variant), such as fp32' },
  );
}

export const runSearchCommand: CommandRun<typeof searchOptions> = async (options, { progress, signal }) => {
  const { json: _json, quiet: _quiet, debug: _debug, ...search } = options;
  await refuseForeignFile(options.out);
  const result = await runSearch(defined(search), { progress, signal });
  const partial = partialSearch(result);
  return { json: toJson(result), text: renderSearch(result), ...defined({ partial }) };
};
