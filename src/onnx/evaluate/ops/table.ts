import { ELEMENTWISE_OPS } from './elementwise.js';
import { GENERATING_OPS } from './generate.js';
import { LAYOUT_OPS } from './layout.js';
import type { Op } from './op.js';

/** Ops that exporters build masks, positions, shapes and scales from, except Shape, which needs no value. */
export const OPS: ReadonlyMap<string, Op> = new Map(
  Object.entries({ ...ELEMENTWISE_OPS, ...LAYOUT_OPS, ...GENERATING_OPS }),
);
