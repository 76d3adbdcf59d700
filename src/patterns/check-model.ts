import { MinferenceError } from '../errors.js';
import { type PatternFile, shapeOfLayer } from './pattern-file.js';

/** The model that patterns are to be used with; an open decoder is one. */
export interface ModelAtHand {
  /** Hash of its graph and configuration. */
  fingerprint?: string;
  /** Layers whose attention can be made sparse, in graph order; without a number they are all there are. */
  layers: readonly { layer?: number; numHeads: number; numKvHeads: number; headDim: number }[];
  /** Its other layers, which stay as they are. */
  leftAlone?: readonly { layer: number; numHeads: number; reason: string }[];
  /** Layers of the model; default: those that can be made sparse. */
  numLayers?: number;
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
          : 'the shapes agree, but graph or configuration differ (another export or quantisation, or a file of an earlier version?): search again, or use the file all the same with --force',
    },
  );
}

function* shapeDifferences(file: PatternFile, model: ModelAtHand): Generator<string> {
  const { layers, numLayers = layers.length } = model;
  const shape = file.model;
  if (shape.num_layers !== numLayers) {
    yield `the model has ${numLayers} layers, the file ${shape.num_layers}`;
    return;
  }
  const shapes = [
    ['query heads', shape.num_heads, 'numHeads'],
    ['KV heads', shape.num_kv_heads, 'numKvHeads'],
    ['head_dim', shape.head_dim, 'headDim'],
  ] as const;
  const numbered = layers.map((layer, index) => ({ ...layer, layer: layer.layer ?? index }));
  for (const [name, inFile, field] of shapes) {
    if (inFile === undefined) continue;
    const differing = numbered.find((layer) => shapeOfLayer(inFile, layer.layer) !== layer[field]);
    if (!differing) continue;
    const { layer } = differing;
    yield `${name} of layer ${layer}: the model has ${differing[field]}, the file ${shapeOfLayer(inFile, layer)}`;
  }
  const ours = new Map(numbered.map((layer) => [layer.layer, layer]));
  for (const [layer, { heads }] of file.layers.entries()) {
    const known = ours.get(layer);
    if (known && heads.length !== known.numHeads) {
      yield `layer ${layer}: the model has ${known.numHeads} heads that can be sparse, the file ${heads.length}`;
      return;
    }
    if (!known && heads.some(({ type }) => type !== 'dense')) {
      yield `layer ${layer} stays as it is in the model, the file has sparse heads for it`;
      return;
    }
  }
}

const short = (fingerprint: string) => (fingerprint.length > 20 ? `${fingerprint.slice(0, 19)}…` : fingerprint);
