import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import { createRandom } from '../../src/utils/prng.js';
import { buildModel, type Value } from '../runtime/helpers/models.js';

/** One call of an attention op. Patterns are rows {kind, a, b, flags}, repeated over the heads. */
export interface AttentionCase {
  rows: number;
  past?: number;
  heads?: number;
  kvHeads?: number;
  headDim?: number;
  /** Valid new rows per batch entry, for batches of different lengths (only without a past). */
  lengths?: number[];
  patterns?: number[][];
  attributes?: Record<string, number | string | { float: number }>;
  /** Extra logit per head. */
  sinks?: number[];
  seed?: string;
  /** Elements that are not what the seed says: NaN, infinities, numbers that overflow. */
  poison?: readonly Poison[];
}

export interface Poison {
  input: 'q' | 'k' | 'v' | 'past_k' | 'past_v';
  /** Index into the input's elements, taken modulo their number. */
  element: number;
  value: number;
}

export interface AttentionResult {
  /** [batch, rows, heads, headDim] */
  output: Float32Array;
  /** [batch, heads, rows] */
  lse: Float32Array;
  presentKey: Float32Array;
}

const sessions = new Map<string, Promise<Session>>();

function sessionFor(
  kase: Required<Pick<AttentionCase, 'heads' | 'kvHeads' | 'headDim'>>,
  attributes: object,
  sinks: boolean,
) {
  const { heads, kvHeads, headDim } = kase;
  const key = JSON.stringify([heads, kvHeads, headDim, attributes, sinks]);
  let session = sessions.get(key);
  if (!session) {
    const cache = (rows: string) => ['b', kvHeads, rows, headDim];
    const inputs: Value[] = [
      ['q', 'float32', ['b', 's', heads * headDim]],
      ['k', 'float32', ['b', 's', kvHeads * headDim]],
      ['v', 'float32', ['b', 's', kvHeads * headDim]],
      ['past_k', 'float32', cache('p')],
      ['past_v', 'float32', cache('p')],
      ['seqlens', 'int32', ['b']],
      ['total', 'int32', []],
      ...(sinks ? [['sink', 'float32', [heads]] as Value] : []),
      ['patterns', 'int32', [heads, 4]],
    ];
    const model = buildModel({
      inputs,
      outputs: [
        ['o', 'float32', ['b', 's', heads * headDim]],
        ['present_k', 'float32', cache('t')],
        ['present_v', 'float32', cache('t')],
        ['lse', 'float32', ['b', heads, 's']],
      ],
      nodes: [
        {
          op: 'SparseAttention',
          domain: 'ai.minference',
          inputs: [
            'q',
            'k',
            'v',
            'past_k',
            'past_v',
            'seqlens',
            'total',
            '',
            '',
            '',
            '',
            sinks ? 'sink' : '',
            'patterns',
          ],
          outputs: ['o', 'present_k', 'present_v', 'lse'],
          attributes: { num_heads: heads, kv_num_heads: kvHeads, ...attributes },
        },
      ],
    });
    session = Session.create({ model, device: 'cpu' });
    sessions.set(key, session);
  }
  return session;
}

/** Runs a case with the optimized kernels or the reference; inputs depend on the seed alone. */
export async function runAttention(
  kase: AttentionCase,
  implementation: 'optimized' | 'reference',
): Promise<AttentionResult> {
  const { rows, past = 0, heads = 4, kvHeads = 2, headDim = 32, lengths, patterns = [[0, 0, 0, 0]], sinks } = kase;
  const attributes = { ...kase.attributes, implementation };
  const session = await sessionFor({ heads, kvHeads, headDim }, attributes, sinks !== undefined);
  const batch = lengths?.length ?? 1;
  const random = (name: string, shape: number[]) => {
    const stream = createRandom(0, kase.seed ?? 'kernel', name);
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length: size }, () => 4 * stream.float() - 2);
    for (const { input, element, value } of kase.poison ?? []) {
      if (input === name && size > 0) data[element % size] = value;
    }
    return Tensor.fromArray('float32', data, shape);
  };
  const table = Array.from({ length: heads }, (_, head) => patterns[head % patterns.length]!).flat();
  const results = await session.run(
    {
      q: random('q', [batch, rows, heads * headDim]),
      k: random('k', [batch, rows, kvHeads * headDim]),
      v: random('v', [batch, rows, kvHeads * headDim]),
      past_k: random('past_k', [batch, kvHeads, past, headDim]),
      past_v: random('past_v', [batch, kvHeads, past, headDim]),
      seqlens: Tensor.fromArray(
        'int32',
        Int32Array.from(lengths ?? [past + rows], (length) => length - 1),
        [batch],
      ),
      total: Tensor.fromArray('int32', Int32Array.of(past + rows), []),
      patterns: Tensor.fromArray('int32', Int32Array.from(table), [heads, 4]),
      ...(sinks ? { sink: Tensor.fromArray('float32', Float32Array.from(sinks), [heads]) } : {}),
    },
    { o: 'host', lse: 'host', present_k: 'host' },
  );
  const data = (name: string) => results[name]!.data() as Float32Array;
  return { output: data('o'), lse: data('lse'), presentKey: data('present_k') };
}
