import type { TileGeometry } from '../../patterns/flops.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';
import type { MethodBudgets } from './budgets.js';

/** What methods are bound to. */
export interface MethodContext {
  decoder: Pick<EvalDecoder, 'fingerprint' | 'layers' | 'leftAlone' | 'numLayers'>;
  /** Path of a pattern file, or `auto`: the one in configs/ that was made for this model. */
  patterns: string;
  /** Take a pattern file of another export of the model, when the shapes agree. */
  ignoreFingerprint: boolean;
  /** Tiles of the kernel, in which costs are counted. */
  geometry: TileGeometry;
  /** What methods without sizes may cost. */
  budgets?: MethodBudgets;
}
