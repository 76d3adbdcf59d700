import { defined } from '../../utils/defined.js';
import { oneNodeModel } from '../one-node-model.js';
import { Session } from '../session.js';
import { Tensor } from '../tensor.js';
import type { SessionOptions } from '../types.js';

/** One head's row of head_patterns: kind, a, b (kernels/include/minference/pattern.h). */
export type PatternRow = readonly [kind: number, a: number, b: number];

export interface OpBenchOptions extends Pick<SessionOptions, 'device' | 'deviceId' | 'threads' | 'signal'> {
  heads: number;
  kvHeads: number;
  headDim: number;
}

/** Computes the pattern even where the op would take dense. */
const NO_FALLBACK = 1;
const CHUNK = 1 << 22;

/** SparseAttention alone, as a model runs it, on made-up queries, keys and values: float32 on the CPU, float16 on CUDA. */
export class OpBench implements Disposable {
  readonly #session: Session;
  readonly #options: OpBenchOptions;
  readonly #operands = new Map<number, { qkv: Tensor; y: Tensor }>();

  private constructor(session: Session, options: OpBenchOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** @throws {MinferenceError} as Session.create */
  static async open(options: OpBenchOptions): Promise<OpBench> {
    const { heads, kvHeads, device } = options;
    const type = device === 'cuda' ? 10 : 1;
    const inputs = ['qkv', '', '', '', '', 'last', 'total', '', '', '', '', '', 'patterns'];
    const model = oneNodeModel({
      opType: 'SparseAttention',
      domain: 'ai.minference',
      inputs,
      outputs: ['y'],
      attributes: { num_heads: heads, kv_num_heads: kvHeads },
      ports: {
        inputs: [
          ['qkv', type, [1, 'rows', 'qkv_hidden']],
          ['last', 6, [1]],
          ['total', 6, [1]],
          ['patterns', 6, [heads, 4]],
        ],
        outputs: [['y', type, [1, 'rows', 'hidden']]],
      },
    });
    return new OpBench(await Session.create({ ...options, model }), options);
  }

  /**
   * Least milliseconds of a call over `length` tokens with one pattern for all heads, for each of `patterns`. They take
   * turns, so that what else the machine does hits all alike; the first round is not counted.
   */
  async times<Name extends string>(
    length: number,
    patterns: Readonly<Record<Name, PatternRow>>,
    rounds: number,
  ): Promise<Record<Name, number>> {
    const names = Object.keys(patterns) as Name[];
    const least = Object.fromEntries(names.map((name) => [name, Number.POSITIVE_INFINITY])) as Record<Name, number>;
    for (let round = -1; round < rounds; round++) {
      for (const name of names) {
        const ms = await this.#time(length, patterns[name]);
        if (round >= 0) least[name] = Math.min(least[name], ms);
      }
    }
    return least;
  }

  async #time(length: number, pattern: PatternRow): Promise<number> {
    const { heads, signal } = this.#options;
    const { qkv, y } = await this.#operandsOf(length);
    using last = int32([length - 1], [1]);
    using total = int32([length], [1]);
    using patterns = int32(Array.from({ length: heads }, () => [...pattern, NO_FALLBACK]).flat(), [heads, 4]);
    const started = performance.now();
    await this.#session.run({ qkv, last, total, patterns }, { y }, defined({ signal }));
    return performance.now() - started;
  }

  [Symbol.dispose](): void {
    for (const { qkv, y } of this.#operands.values()) {
      qkv.dispose();
      y.dispose();
    }
    this.#session.dispose();
  }

  async #operandsOf(length: number): Promise<{ qkv: Tensor; y: Tensor }> {
    const known = this.#operands.get(length);
    if (known) return known;
    const { heads, kvHeads, headDim, device } = this.#options;
    const dtype = device === 'cuda' ? 'float16' : 'float32';
    const operands = {
      qkv: this.#session.allocate(dtype, [1, length, (heads + 2 * kvHeads) * headDim]),
      y: this.#session.allocate(dtype, [1, length, heads * headDim]),
    };
    this.#operands.set(length, operands);
    await fill(operands.qkv);
    return operands;
  }
}

/** Evenly distributed over ±[1/2, 1), the same every time: random signs and mantissas under one exponent. */
async function fill(tensor: Tensor): Promise<void> {
  const half = tensor.dtype === 'float16';
  const [mask, exponent] = half ? [0x83ff83ff, 0x38003800] : [0x807fffff, 0x3f000000];
  const words = new Uint32Array(CHUNK / 4);
  const elements = half ? new Uint16Array(words.buffer) : new Float32Array(words.buffer);
  const count = tensor.byteLength / elements.BYTES_PER_ELEMENT;
  let state = 0x9e3779b9;
  for (let offset = 0; offset < count; offset += elements.length) {
    for (let i = 0; i < words.length; i++) {
      // xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      words[i] = (state & mask) | exponent;
    }
    await tensor.write(elements.subarray(0, Math.min(elements.length, count - offset)), offset);
  }
}

const int32 = (values: number[], shape: number[]) => Tensor.fromArray('int32', Int32Array.from(values), shape);
