import type { HeadPattern } from './head-pattern.js';
import type { HeadEntry, PatternFile } from './pattern-file.js';

/** The pattern of a head without what was measured for it. */
function headPattern(head: HeadEntry): HeadPattern {
  switch (head.type) {
    case 'dense':
      return { type: 'dense' };
    case 'a_shape':
      return { type: 'a_shape', sink: head.sink, window: head.window };
    case 'vertical_slash':
      return { type: 'vertical_slash', vertical: head.vertical, slash: head.slash };
    case 'block_sparse':
      return { type: 'block_sparse', blocks: head.blocks };
  }
}

/** The patterns of a file as [layer][head], for the decoder. */
export function patternMatrix(file: PatternFile): HeadPattern[][] {
  return file.layers.map((layer) => layer.heads.map(headPattern));
}
