import { basename } from 'node:path';
import { MinferenceError } from '../../errors.js';
import type { TileGeometry } from '../../patterns/flops.js';
import type { HeadPattern } from '../../patterns/head-pattern.js';
import type { PatternFile } from '../../patterns/pattern-file.js';
import { resolvePatterns } from '../../patterns/resolve-patterns.js';
import { patternMatrix } from '../../patterns/to-matrix.js';
import { uniformPatterns } from '../../patterns/uniform-patterns.js';
import { formatPercent } from '../../utils/format.js';
import { hashJson } from '../../utils/hash.js';
import type { EvalDecoder } from '../harness/eval-decoder.js';
import type { Method } from './method.js';
import type { MethodSpec } from './parse-methods.js';
import { DEFAULT_FRACTION, type UniformBudget, uniformPattern } from './uniform-budget.js';

export interface MethodContext {
  decoder: Pick<EvalDecoder, 'fingerprint' | 'layers' | 'leftAlone' | 'numLayers'>;
  /** Path of a pattern file, or `auto`: the one in configs/ that was made for this model. */
  patterns: string;
  /** Take a pattern file of another export of the model, when the shapes agree. */
  ignoreFingerprint: boolean;
  /** Tiles of the kernel, in which costs are counted. */
  geometry: TileGeometry;
}

/**
 * Binds methods to a model.
 *
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH; USAGE when patterns are needed and none
 *   are there.
 */
export async function resolveMethods(specs: readonly MethodSpec[], context: MethodContext): Promise<Method[]> {
  const needsDefault = specs.some((spec) => spec.kind !== 'dense' && !('path' in spec) && !('pattern' in spec));
  const fallback = needsDefault ? await find(context.patterns, context) : undefined;
  const budget = budgetOf(fallback?.file);
  const methods: Method[] = [];
  for (const spec of specs) {
    switch (spec.kind) {
      case 'dense':
        methods.push({ name: spec.name, description: 'dense attention', patterns: () => 'dense' });
        break;
      case 'file': {
        const found = spec.path === undefined ? fallback : await find(spec.path, context);
        methods.push(fromFile(spec.name, found ?? noPatterns()));
        break;
      }
      case 'uniform':
        methods.push(uniformMethod(spec, budget, context));
    }
  }
  return methods.map((method, index) => ({ ...method, name: uniqueName(method.name, specs[index]!.name, methods) }));
}

/** A file's name without its folder, unless two files share it. */
const uniqueName = (name: string, asGiven: string, methods: readonly Method[]) =>
  methods.filter((method) => method.name === name).length > 1 ? asGiven : name;

interface FoundPatterns {
  path: string;
  file: PatternFile;
}

async function find(
  patterns: string,
  { decoder, ignoreFingerprint }: MethodContext,
): Promise<FoundPatterns | undefined> {
  const { path, file } = await resolvePatterns(patterns, decoder, { ignoreFingerprint });
  return path === null || file === null ? undefined : { path, file };
}

function noPatterns(): never {
  throw new MinferenceError('USAGE', 'expected a pattern file for the method minference, found none for this model', {
    hint: 'make one with: minference search --out patterns.json, then give --patterns patterns.json',
  });
}

function fromFile(name: string, { path, file }: FoundPatterns): Method {
  const matrix = patternMatrix(file);
  const { search } = file;
  const how = search
    ? `: ${search.objective}, ${formatPercent(search.budget.fraction, 0)} of dense at ${search.length} tokens`
    : '';
  return {
    name: name.startsWith('minference:') ? `minference:${basename(path, '.json')}` : name,
    description: `patterns of ${basename(path)}${how}`,
    patterns: () => matrix,
    file: { name: basename(path), sha256: hashJson(file) },
  };
}

/** The budget of the pattern file, so that methods are compared at the same cost. */
function budgetOf(file: PatternFile | undefined): UniformBudget {
  if (!file?.search) return { fraction: DEFAULT_FRACTION, length: null };
  return { fraction: file.search.budget.fraction, length: file.search.length };
}

function uniformMethod(
  spec: Extract<MethodSpec, { kind: 'uniform' }>,
  budget: UniformBudget,
  { decoder: { layers, numLayers }, geometry }: MethodContext,
): Method {
  const { name, pattern } = spec;
  if (pattern) {
    const matrix = uniformPatterns(layers, pattern, numLayers);
    return { name, description: `${describe(pattern)} in all heads`, patterns: () => matrix };
  }
  const type = spec.type === 'a_shape' ? 'a_shape' : 'block_sparse';
  const headDim = layers[0]!.headDim;
  const at = (length: number) => uniformPattern(type, { length, headDim, geometry, fraction: budget.fraction });
  const share = formatPercent(budget.fraction, 0);
  if (budget.length === null) {
    const description = `${type} in all heads, ${share} of dense at every length`;
    return { name, description, patterns: (length) => uniformPatterns(layers, at(length), numLayers) };
  }
  const fitted = at(budget.length);
  const description = `${describe(fitted)} in all heads, ${share} of dense at ${budget.length} tokens`;
  return { name, description, patterns: () => uniformPatterns(layers, fitted, numLayers) };
}

function describe(pattern: HeadPattern): string {
  switch (pattern.type) {
    case 'dense':
      return 'dense';
    case 'a_shape':
      return `a_shape of ${pattern.sink} sink and ${pattern.window} window tokens`;
    case 'vertical_slash':
      return `vertical_slash of ${pattern.vertical} columns and ${pattern.slash} diagonals`;
    case 'block_sparse':
      return `block_sparse of ${pattern.blocks} blocks`;
  }
}
