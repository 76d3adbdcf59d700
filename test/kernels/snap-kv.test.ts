import { describe, expect, test } from 'vitest';
import { attentionPorts, type Call, OUTPUTS_WITH_INDICES, patternedPorts } from './attention-ports.js';
import { numbers, runOp } from './op-session.js';
import { CALLS, call, headsOf } from './rival-calls.js';
import { snapKv } from './rival-reference.js';

const GIVE = 8;
const FORCE = 1;
const keep = (capacity: number) => GIVE | (capacity << 4);

/** Output and indices of SparseAttention; every head has the same row. */
async function attend(kase: Call, row: number[], ports = attentionPorts(kase)) {
  const out = await runOp({
    op: 'SparseAttention',
    attributes: { num_heads: kase.heads, kv_num_heads: kase.kvHeads },
    inputs: patternedPorts(ports, kase.heads, [row]),
    outputs: OUTPUTS_WITH_INDICES,
  });
  const lists = (offsets: string, values: number[]) => {
    const at = Array.from(out[offsets]!.data() as BigInt64Array, Number);
    return at.slice(1).map((end, list) => values.slice(at[list], end));
  };
  return {
    o: out.o!.data() as Float32Array,
    ranges: numbers(out.ranges!),
    rangeLists: lists('range_offsets', numbers(out.ranges!)).length,
    columns: lists('column_offsets', numbers(out.columns!)),
  };
}

describe.each(CALLS)('$rows rows of $heads/$kvHeads heads after $past', (kase) => {
  test.each([[65], [100], [400], [5000]])('keeps what the definition keeps, up to %i', async (capacity) => {
    const ports = attentionPorts(kase);
    const { ranges, rangeLists, columns } = await attend(kase, [0, 0, 0, keep(capacity)], ports);
    expect(rangeLists).toBe(kase.heads);
    for (const [h, head] of headsOf(ports, kase).entries()) {
      const { window, chosen } = snapKv(head, capacity);
      expect(ranges.slice(2 * h, 2 * h + 2), `window of head ${h}`).toEqual([window[0], window.at(-1)! + 1]);
      expect(columns[h], `head ${h}`).toEqual(chosen);
    }
  });
});

test('what the call computes stays the same, whatever the heads compute', async () => {
  const kase = call(333, 200);
  for (const row of [
    [0, 0, 0],
    [1, 20, 64],
    [2, 40, 120],
    [5, 100, 0],
  ]) {
    const kept = await attend(kase, [...row, FORCE | keep(150)]);
    expect(kept.o).toEqual((await attend(kase, [...row, FORCE])).o);
    expect(kept.columns).toEqual((await attend(kase, [0, 0, 0, keep(150)])).columns);
  }
});

test('a larger capacity keeps what a smaller one keeps, and as many keys as it says', async () => {
  const kase = call(700, 100, { heads: 4, kvHeads: 2 });
  let smaller: number[][] | undefined;
  for (const capacity of [65, 80, 200, 799]) {
    const { columns } = await attend(kase, [0, 0, 0, keep(capacity)]);
    for (const [head, keys] of columns.entries()) {
      expect(keys).toHaveLength(capacity - 64);
      expect(keys).toEqual(expect.arrayContaining(smaller?.[head] ?? []));
    }
    smaller = columns;
  }
});
