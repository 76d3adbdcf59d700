import { ELEMENT_TYPE, numberBytes, tensorProto } from '../../tensor-proto.js';
import type { OptimumScope } from './optimum-scope.js';

/**
 * The masks that all layers share, bool [batch, 1, sequence, total]: key ≤ query, optionally key > query − window, and
 * the attention mask at the key. Everything is built by index arithmetic, as transformers' masking functions trace.
 *
 * @param hidden - the embeddings, whose shape gives batch and sequence
 * @param windows - one mask per entry: null for full attention, else the window in tokens
 */
export function writeOptimumMasks(
  scope: OptimumScope,
  { hidden, windows }: { hidden: string; windows: readonly (number | null)[] },
): string[] {
  const { int64, bool } = ELEMENT_TYPE;
  const range = (from: string, to: string) => scope.op('Range', [from, to, scope.int64(1)]);
  const past = scope.dimension('past_key_values.0.key', 2);
  const sequence = scope.dimension(hidden, 1);
  const total = scope.op('Add', [past, sequence]);
  const positions = range(scope.cast(past, int64), scope.cast(total, int64));
  const mask = scope.cast('attention_mask', bool);
  const rows = scope.dimension(positions, 0);
  const keys = scope.op('Add', [past, rows]);
  const batch = scope.dimension(hidden, 0);

  const queryIndex = scope.unsqueeze(scope.unsqueeze(scope.unsqueeze(positions, 0), 1), 3);
  const batchEnd = scope.cast(batch, int64);
  const batches = range(scope.int64(0), batchEnd);
  const batchIndex = scope.unsqueeze(scope.unsqueeze(scope.unsqueeze(batches, 1), 2), 3);
  const keyEnd = scope.cast(keys, int64);
  const keyRange = range(scope.int64(0), keyEnd);
  const keyIndex = scope.unsqueeze(scope.unsqueeze(scope.unsqueeze(keyRange, 0), 1), 2);

  return windows.map((window) => {
    const all = scope.op('ConstantOfShape', [scope.int64([])], {
      value: { tensor: tensorProto('', 'bool', [1], numberBytes([1], 'bool')) },
    });
    const visible = window === null ? all : writeWindow(scope, { all, queryIndex, keyIndex, window });
    const causal = scope.cast(scope.op('LessOrEqual', [keyIndex, queryIndex]), bool);
    const inner = scope.op('And', [visible, causal]);
    // A window's mask function is combined with the padding's in one more step.
    const both = window === null ? inner : scope.op('And', [all, scope.cast(inner, bool)]);
    const padded = writePadding(scope, { mask, batchIndex, keyIndex });
    const combined = scope.op('And', [both, padded]);
    const shape = [scope.unsqueeze(batch, 0), scope.int64([-1]), scope.unsqueeze(rows, 0), scope.unsqueeze(keys, 0)];
    return scope.expand(combined, shape);
  });
}

function writeWindow(
  scope: OptimumScope,
  { all, queryIndex, keyIndex, window }: { all: string; queryIndex: string; keyIndex: string; window: number },
): string {
  const oldest = scope.op('Sub', [queryIndex, scope.int64(window)]);
  const inside = scope.cast(scope.op('Greater', [keyIndex, oldest]), ELEMENT_TYPE.bool);
  return scope.op('And', [all, inside]);
}

/** attention_mask[batch, key] by a flat index. */
function writePadding(
  scope: OptimumScope,
  { mask, batchIndex, keyIndex }: { mask: string; batchIndex: string; keyIndex: string },
): string {
  const width = scope.op('Gather', [scope.op('Shape', [mask]), scope.int64([1])], { axis: { int: 0 } });
  const flat = scope.op('Flatten', [mask], { axis: { int: 2 } });
  const offset = scope.op('Mul', [batchIndex, width]);
  const index = scope.op('Add', [keyIndex, offset]);
  const picked = scope.op('Gather', [flat, index], { axis: { int: 0 } });
  const shape = scope.op('Shape', [index]);
  const list = scope.reshape(picked, scope.int64([-1]));
  return scope.cast(scope.reshape(list, scope.concat([shape], 0)), ELEMENT_TYPE.bool);
}
