import { runSearch } from '../../../../search/run-search.js';
import type { SearchResult } from '../../../../search/types.js';
import { defined } from '../../../utils/defined.js';
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
    samples: result.samples,
    timings: result.timings,
    peakMemoryBytes: result.peakMemoryBytes,
  };
}

export const runSearchCommand: CommandRun<typeof searchOptions> = async (options, { progress, signal }) => {
  const { json: _json, quiet: _quiet, debug: _debug, ...search } = options;
  await refuseForeignFile(options.out);
  const result = await runSearch(defined(search), { progress, signal });
  return { json: toJson(result), text: renderSearch(result) };
};
