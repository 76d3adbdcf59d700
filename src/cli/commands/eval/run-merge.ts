import { mergeResults } from '../../../eval/merge-results.js';
import type { CommandRun } from '../../command-spec.js';
import { renderResults } from './render.js';
import { missingAnswers } from './run.js';

export const runEvalMerge: CommandRun<Record<never, never>> = async (options, { operands, progress }) => {
  const { out } = options as unknown as { out: string };
  const { results, files, parts } = await mergeResults({ folders: operands, out }, { progress });
  const { failures } = results;
  return {
    json: { ...results, files, parts },
    text: renderResults(results, [
      ['merged', parts.join(', ')],
      ['results', files.join(', ')],
    ]),
    ...(failures.length > 0 && { partial: missingAnswers(failures) }),
  };
};
