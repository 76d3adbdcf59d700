import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import { problemOf } from '../utils/zod-problem.js';
import { MAX_HEADS, MAX_LAYERS, MAX_TOKENS } from './limits.js';
import type { HeadEntry, LayerEntry, PatternFile } from './pattern-file.js';
import { PATTERN_SCHEMA, packShape } from './pattern-file.js';

/**
 * MInference's own format, which vLLM and SGLang read too: a list with one object per layer, keys are head numbers as
 * text, values `[type, size, size, score]`. In a config.json it stands as `sparse_attention_config`, alone or inside
 * `dual_chunk_attention_config`.
 */
export type MinferenceLayers = Record<string, [type: string, first: number, second: number, score: number]>[];

/** What MInference uses for a head that a file leaves out. */
const DEFAULT_HEAD: HeadEntry = { type: 'vertical_slash', vertical: 1000, slash: 6096, score: 1 };
/** The format has no dense heads; sizes beyond every context mean the same, there and here. */
const WHOLE_CONTEXT = MAX_TOKENS;

const TYPE_NAMES = {
  vertical_and_slash: 'vertical_slash',
  vertical_slash: 'vertical_slash',
  stream_llm: 'a_shape',
  a_shape: 'a_shape',
  block_sparse: 'block_sparse',
} as const;

const sizes = z.int().min(0).max(MAX_TOKENS);
const entrySchema = z.tuple([
  z.enum(Object.keys(TYPE_NAMES) as (keyof typeof TYPE_NAMES)[]),
  sizes,
  sizes,
  z.number().default(1),
]);
const layersSchema = z
  .array(z.record(z.string().regex(/^(0|[1-9]\d{0,3})$/, { error: 'expected a head number' }), entrySchema))
  .min(1)
  .max(MAX_LAYERS);

/** What is known of the model that a list is for. */
interface KnownLayers {
  /** Layers that can be sparse; without a number they are all there are. */
  layers?: readonly { layer?: number; numHeads: number }[];
  /** Layers that stay as they are, whatever the list says of them. */
  leftAlone?: readonly { layer: number; numHeads: number; reason: string }[];
}

/** The list inside a parsed JSON value, or undefined when it holds none. */
export function findMinferenceLayers(value: unknown): unknown {
  if (Array.isArray(value)) return value;
  if (value === null || typeof value !== 'object') return undefined;
  const config = value as Record<string, unknown>;
  if (config.sparse_attention_config !== undefined) return config.sparse_attention_config;
  const dualChunk = config.dual_chunk_attention_config;
  if (dualChunk === null || typeof dualChunk !== 'object') return undefined;
  return (dualChunk as Record<string, unknown>).sparse_attention_config;
}

/**
 * Reads MInference's list. Shapes come from `layers` where the model is known; otherwise a layer has as many heads as
 * its highest head number says. Scores are kept as they are: their unit differs between published files.
 *
 * @throws {MinferenceError} PATTERNS_INVALID naming layer and head.
 */
export function readMinferenceLayers(
  value: unknown,
  options: { name: string; id?: string } & KnownLayers,
): PatternFile {
  refuseOtherContents(value, options.name);
  const result = layersSchema.safeParse(value, { reportInput: true });
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const [layer, head, field] = issue.path;
    const problem = problemOf(issue);
    const where =
      layer === undefined ? '' : `layer ${String(layer)}${head === undefined ? '' : ` head ${String(head)}`}`;
    const what = field === undefined ? problem : `entry ${Number(field)}: ${problem}`;
    throw new MinferenceError('PATTERNS_INVALID', `${options.name}: ${where && `${where}: `}${what}`, {
      hint: 'a head is ["vertical_and_slash" | "stream_llm" | "block_sparse", size, size, score]',
    });
  }
  const known = new Map(options.layers?.map((layer, index) => [layer.layer ?? index, layer.numHeads]));
  const others = new Map(options.leftAlone?.map((layer) => [layer.layer, layer]));
  const layers = result.data.map((heads, layer): LayerEntry => {
    const other = others.get(layer);
    if (other) {
      const dense = Array.from({ length: other.numHeads }, (): HeadEntry => ({ type: 'dense' }));
      return { left_alone: other.reason, heads: dense };
    }
    const highest = Math.max(-1, ...Object.keys(heads).map(Number));
    const count = Math.max(known.get(layer) ?? 1, highest + 1);
    return { heads: Array.from({ length: Math.min(count, MAX_HEADS) }, (_, head) => toHead(heads[String(head)])) };
  });
  return {
    schema: PATTERN_SCHEMA,
    model: {
      id: options.id ?? options.name,
      num_layers: layers.length,
      num_heads: packShape(layers.map(({ heads }) => heads.length)),
    },
    layers,
  };
}

/** What stands under the same name and is no such list, by its content. */
function refuseOtherContents(value: unknown, name: string): void {
  if (value !== null && typeof value === 'object' && 'config_groups' in value) {
    throw new MinferenceError(
      'PATTERNS_INVALID',
      `${name}: expected MInference’s list of layers, found the sparse_attention_config of NVIDIA Model-Optimizer (config_groups)`,
      { hint: 'it describes another kind of sparsity: make patterns for this model with: minference search' },
    );
  }
  const isEmpty = (layer: unknown) => layer !== null && typeof layer === 'object' && Object.keys(layer).length === 0;
  if (Array.isArray(value) && value.length > 0 && value.every(isEmpty)) {
    throw new MinferenceError(
      'PATTERNS_INVALID',
      `${name}: expected a pattern for one head at least, found ${value.length} empty layers`,
      { hint: 'the search that wrote it did not finish: make patterns with minference search' },
    );
  }
}

function toHead(entry: z.output<typeof entrySchema> | undefined): HeadEntry {
  if (entry === undefined) return { ...DEFAULT_HEAD };
  const [name, first, second, score] = entry;
  switch (TYPE_NAMES[name]) {
    case 'vertical_slash':
      return { type: 'vertical_slash', vertical: first, slash: second, score };
    case 'a_shape':
      return { type: 'a_shape', sink: first, window: second, score };
    case 'block_sparse':
      return { type: 'block_sparse', blocks: first, unused: second, score };
  }
}

/**
 * Writes patterns in MInference's format. What it cannot hold is left out: provenance, errors, FLOPs. Its score is ours
 * where the file came from that format, else the recall, else 1.
 */
export function toMinferenceLayers(file: PatternFile): MinferenceLayers {
  return file.layers.map(({ heads }) =>
    Object.fromEntries(heads.map((head, index) => [String(index), fromHead(head)] as const)),
  );
}

function fromHead(head: HeadEntry): MinferenceLayers[number][string] {
  const score = head.score ?? head.recall ?? 1;
  switch (head.type) {
    case 'dense':
      return ['vertical_and_slash', WHOLE_CONTEXT, WHOLE_CONTEXT, score];
    case 'vertical_slash':
      return ['vertical_and_slash', head.vertical, head.slash, score];
    case 'a_shape':
      return ['stream_llm', head.sink, head.window, score];
    case 'block_sparse':
      return ['block_sparse', head.blocks, head.unused ?? 0, score];
  }
}

/** A model's config.json with these patterns where vLLM and SGLang look for them; the rest stays as it is. */
export function withMinferenceLayers(
  config: Record<string, unknown>,
  layers: MinferenceLayers,
): Record<string, unknown> {
  const dualChunk = config.dual_chunk_attention_config;
  if (dualChunk === null || typeof dualChunk !== 'object') return { ...config, sparse_attention_config: layers };
  return { ...config, dual_chunk_attention_config: { ...dualChunk, sparse_attention_config: layers } };
}
