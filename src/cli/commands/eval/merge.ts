import { defineCommand } from '../../command-spec.js';
import { path } from '../../options/option-types.js';
import { EVAL } from './options.js';

const options = {
  out: {
    flags: '--out <folder>',
    help: 'folder for the results of the whole; it may be one of the shards’ own',
    default: 'eval-merged',
    group: EVAL,
    example: '--out ruler',
    schema: path,
  },
};

export const evalMergeCommand = defineCommand({
  name: 'eval merge',
  summary: 'put the shards of an evaluation together',
  description:
    'Reads the predictions of shards and writes the results of the whole: the same as those of one run. Says which shard ' +
    'is missing, and which do not belong together.',
  options,
  operands: { name: 'folders', help: 'folders that shards wrote to' },
  examples: [
    { command: 'eval merge ruler --out ruler', does: 'shards that shared a folder' },
    { command: 'eval merge part-1 part-2 part-3 part-4 --out ruler', does: 'shards that had a folder each' },
  ],
  afterInterrupt: 'run the same command again: nothing was changed',
  load: async () => (await import('./run-merge.js')).runEvalMerge,
});
