import { basename } from 'node:path';
import { MinferenceError } from '../../errors.js';
import type { PatternFile } from '../../patterns/pattern-file.js';
import { resolvePatterns } from '../../patterns/resolve-patterns.js';
import { patternMatrix } from '../../patterns/to-matrix.js';
import { formatPercent } from '../../utils/format.js';
import { hashJson } from '../../utils/hash.js';
import type { Method } from './method.js';
import type { MethodContext } from './method-context.js';
import type { MethodSpec } from './parse-methods.js';
import { staticMethod } from './static-method.js';
import { DEFAULT_FRACTION, type UniformBudget } from './uniform-budget.js';
import { uniformMethod } from './uniform-method.js';

/**
 * Binds methods to a model. Those with `prepare` are bound to prompts by it.
 *
 * @throws {MinferenceError} READ_FAILED, PATTERNS_INVALID, PATTERNS_MISMATCH; USAGE when patterns are needed and none
 *   are there.
 */
export async function resolveMethods(specs: readonly MethodSpec[], context: MethodContext): Promise<Method[]> {
  const needsDefault = specs.some((spec) => spec.kind !== 'dense' && !('path' in spec) && !('sizes' in spec));
  const fallback = needsDefault ? await find(context.patterns, context) : undefined;
  const budget = budgetOf(fallback?.file);
  const bound: BoundSpec[] = [];
  for (const spec of specs) {
    if (spec.kind !== 'file') bound.push({ spec });
    else {
      const found = spec.path === undefined ? fallback : await find(spec.path, context);
      bound.push({ spec, found: found ?? noPatterns(spec.name) });
    }
  }
  const short = bound.map(shortName);
  return bound.map((item, index) => {
    const isUnique = short.indexOf(short[index]!) === short.lastIndexOf(short[index]!);
    const name = isUnique ? short[index]! : item.spec.name;
    if ('found' in item) return fromFile(name, item.found, item.spec);
    if (item.spec.kind === 'uniform') return uniformMethod({ ...item.spec, name }, budget, context);
    return { name, description: 'dense attention', patterns: () => 'dense' };
  });
}

type FileSpec = Extract<MethodSpec, { kind: 'file' }>;
type BoundSpec = { spec: FileSpec; found: FoundPatterns } | { spec: Exclude<MethodSpec, FileSpec> };

/** A file's name without its folder. */
const shortName = (item: BoundSpec): string =>
  'found' in item && item.spec.path !== undefined
    ? `${item.spec.name.slice(0, -item.spec.path.length)}${basename(item.found.path, '.json')}`
    : item.spec.name;

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

function noPatterns(method: string): never {
  throw new MinferenceError('USAGE', `expected a pattern file for the method ${method}, found none for this model`, {
    hint: 'make one with: minference search --out patterns.json, then give --patterns patterns.json',
  });
}

function fromFile(name: string, { path, file }: FoundPatterns, spec: FileSpec): Method {
  const matrix = patternMatrix(file);
  const { search } = file;
  const how = search
    ? `: ${search.objective}, ${formatPercent(search.budget.fraction, 0)} of dense at ${search.length} tokens`
    : '';
  const method: Method = {
    name,
    description: `patterns of ${basename(path)}${how}`,
    patterns: () => matrix,
    file: { name: basename(path), sha256: hashJson(file) },
  };
  return spec.static ? staticMethod(method, matrix) : method;
}

/** The budget of the pattern file, so that methods are compared at the same cost. */
function budgetOf(file: PatternFile | undefined): UniformBudget {
  if (!file?.search) return { fraction: DEFAULT_FRACTION, length: null };
  return { fraction: file.search.budget.fraction, length: file.search.length };
}
