import { cpus } from 'node:os';
import type { TileGeometry } from '../../patterns/flops.js';
import { defined } from '../../utils/defined.js';
import { hashJson } from '../../utils/hash.js';
import { packageCommit } from '../../utils/package-commit.js';
import { packageVersion } from '../../utils/package-version.js';
import type { Method } from '../methods/method.js';
import type { EvalPlan, Suite, SuiteData } from '../suite.js';
import type { EvalDecoder } from './eval-decoder.js';
import type { Grid } from './grid.js';
import type { KvChoice } from './kv-choice.js';
import type { EvalSetup } from './results.js';

/** What the decoder itself does not say. */
export interface DecoderFacts {
  /** Tiles of the kernel, in which costs are counted. */
  geometry: TileGeometry;
  /** CPU threads it was opened with; null: the default. */
  threads: number | null;
}

/** Puts together what an evaluation is made of, and the key under which its answers may be continued. */
export function buildSetup(parts: {
  suite: Pick<Suite, 'name'>;
  decoder: EvalDecoder;
  facts: DecoderFacts;
  plan: EvalPlan;
  methods: readonly Method[];
  grid: Pick<Grid, 'methods'>;
  files: SuiteData['files'];
  chunk: number | null;
  allowDense: boolean;
  kv?: KvChoice | undefined;
}): EvalSetup {
  const { suite, decoder, facts, plan, methods, grid, files, chunk, allowDense, kv } = parts;
  const { directory, fingerprint, filesHash, tokenizer } = decoder;
  const { id, variant, config } = directory;
  const tool = `minference ${packageVersion()}`;
  const device = deviceFacts(decoder, facts);
  const { seed, era } = plan;
  const chat = tokenizer.hasChatTemplate;
  return {
    evaluation: suite.name,
    tool,
    commit: packageCommit(),
    // Not the grid, nor the methods, nor the number of shards: these may change while answers stay. The machine counts,
    // because times are compared.
    key: hashJson({
      suite: suite.name,
      tool,
      device,
      seed,
      era,
      chunk,
      allowDense,
      fingerprint,
      variant,
      filesHash,
      chat,
      files,
      ...defined({ kv }),
    }),
    model: { id, variant, fingerprint, files: filesHash, context_length: config.contextLength },
    device,
    options: {
      lengths: [...plan.lengths],
      depths: plan.depths && [...plan.depths],
      samples: plan.samples,
      seed,
      era,
      chunk,
      allow_dense: allowDense,
      ...defined({ kv }),
      chat_template: chat,
      answer_prefix: 'behind the generation prompt',
      tasks: plan.tasks.map(({ name, source, metric, maxNewTokens, count }) => ({
        name,
        source,
        metric,
        max_new_tokens: maxNewTokens,
        count: count ?? null,
      })),
      methods: methodFacts(methods, plan.lengths, (method, length) =>
        grid.methods[methods.indexOf(method)]!.patternsSha256(length),
      ),
    },
    data: files,
  };
}

/** The methods, with the hash of what each uses at every length. */
export const methodFacts = (
  methods: readonly Method[],
  lengths: readonly number[],
  hashOf: (method: Method, length: number) => string,
): EvalSetup['options']['methods'] =>
  methods.map((method) => ({
    name: method.name,
    description: method.description,
    pattern_file: method.file ?? null,
    patterns: lengths.map((length) => ({ length, sha256: hashOf(method, length) })),
  }));

export function deviceFacts(
  decoder: Pick<EvalDecoder, 'device'>,
  { geometry, threads }: DecoderFacts,
): EvalSetup['device'] {
  const { blockM, blockN, keyAlign } = geometry;
  return {
    kind: decoder.device.kind,
    cpu: cpus()[0]?.model.trim() || 'unknown',
    threads,
    kernel: { block_m: blockM, block_n: blockN, key_align: keyAlign },
  };
}
