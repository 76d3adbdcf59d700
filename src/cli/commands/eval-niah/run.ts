import type { NiahResults } from '../../../eval/niah/niah-results.js';
import { runNiah } from '../../../eval/niah/run-niah.js';
import { defined } from '../../../utils/defined.js';
import { checkPatternsOption } from '../../choose-patterns.js';
import type { CommandRun } from '../../command-spec.js';
import { refuseForeignFile } from '../../refuse-foreign-file.js';
import type { evalNiahOptions } from './options.js';
import { renderNiah } from './render.js';

/** What `--json` prints: everything but the single predictions, which are in the file. */
function toJson({
  results,
  device: choice,
  table,
  byTask,
  out,
  plots,
  answers,
  timings,
  peakMemoryBytes,
}: NiahResults) {
  const { tool, model, options, cells } = results;
  const device = { ...choice, ...results.device };
  return { tool, model, device, options, table, byTask, cells, out, plots, answers, timings, peakMemoryBytes };
}

export const runEvalNiahCommand: CommandRun<typeof evalNiahOptions> = async (options, { progress, signal }) => {
  const { json: _json, quiet: _quiet, debug: _debug, force, ...rest } = options;
  await checkPatternsOption(rest.patterns);
  await refuseForeignFile(rest.out);
  const result = await runNiah(defined({ ...rest, ignoreFingerprint: force }), { progress, signal });
  return { json: toJson(result), text: renderNiah(result) };
};
