import { MinferenceError } from '../errors.js';
import { type PatternFile, shapeOfLayer } from './pattern-file.js';

/** The model that patterns are to be used with; an open decoder is one. */
export interface ModelAtHand {
  /** Hash of its graph and configuration. */
  fingerprint?: string;
  /** Its attention layers, in graph order. */
  layers: readonly { numHeads: number; numKvHeads: number; headDim: number }[];
}

/**
 * Checks that patterns fit a model.
 *
 * @param options.ignoreFingerprint use them although the graph or its configuration differ (another quantisation of the
 *   same model, say). Shapes must agree all the same.
 * @throws {MinferenceError} PATTERNS_MISMATCH listing everything that differs.
 */
export function checkModel(
  file: PatternFile,
  model: ModelAtHand,
  options: { name: string; ignoreFingerprint?: boolean },
): void {
  const shapes = [...shapeDifferences(file, model)];
  const fingerprint = file.model.fingerprint;
  const differs = fingerprint !== undefined && model.fingerprint !== undefined && fingerprint !== model.fingerprint;
  if (shapes.length === 0 && (!differs || options.ignoreFingerprint)) return;
  const differences = differs
    ? [...shapes, `fingerprint: the model has ${short(model.fingerprint!)}, the file ${short(fingerprint)}`]
    : shapes;
  throw new MinferenceError(
    'PATTERNS_MISMATCH',
    `${options.name}: expected patterns for this model, found patterns for ${file.model.id}: ${differences.join('; ')}`,
    {
      hint:
        shapes.length > 0
          ? 'give the pattern file of this model, or make one with: minference search'
          : 'the shapes agree, but graph or configuration differ (another export or quantisation?): search again, or use the file all the same with --force',
    },
  );
}

function* shapeDifferences({ model: file }: PatternFile, { layers }: ModelAtHand): Generator<string> {
  if (file.num_layers !== layers.length) {
    yield `the model has ${layers.length} attention layers, the file ${file.num_layers}`;
    return;
  }
  const shapes = [
    ['query heads', file.num_heads, (layer: number) => layers[layer]!.numHeads],
    ['KV heads', file.num_kv_heads, (layer: number) => layers[layer]!.numKvHeads],
    ['head_dim', file.head_dim, (layer: number) => layers[layer]!.headDim],
  ] as const;
  for (const [name, inFile, ofModel] of shapes) {
    if (inFile === undefined) continue;
    const layer = layers.findIndex((_, index) => shapeOfLayer(inFile, index) !== ofModel(index));
    if (layer >= 0) {
      yield `${name} of layer ${layer}: the model has ${ofModel(layer)}, the file ${shapeOfLayer(inFile, layer)}`;
    }
  }
}

const short = (fingerprint: string) => (fingerprint.length > 20 ? `${fingerprint.slice(0, 19)}…` : fingerprint);
