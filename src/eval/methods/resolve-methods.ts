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
  const methods: Method[] = [];
  for (const spec of specs) {
    switch (spec.kind) {
      case 'dense':
        methods.push({ name: spec.name, description: 'dense attention', patterns: () => 'dense' });
        break;
      case 'file': {
        const found = (spec.path === undefined ? fallback : await find(spec.path, context)) ?? noPatterns(spec.name);
        const method = fromFile(spec.name, found);
        methods.push(spec.static ? staticMethod(method, patternMatrix(found.file)) : method);
        break;
      }
      case 'uniform':
        methods.push(uniformMethod(spec, budget, context));
    }
  }
  return methods.map((method, index) => rename(method, uniqueName(method.name, specs[index]!.name, methods)));
}

/** Keeps what a method gets to know later. */
const rename = (method: Method, name: string): Method =>
  Object.create(Object.prototype, {
    ...Object.getOwnPropertyDescriptors(method),
    name: { value: name, enumerable: true },
  });

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

function noPatterns(method: string): never {
  throw new MinferenceError('USAGE', `expected a pattern file for the method ${method}, found none for this model`, {
    hint: 'make one with: minference search --out patterns.json, then give --patterns patterns.json',
  });
}

function fromFile(name: string, { path, file }: FoundPatterns): Method {
  const matrix = patternMatrix(file);
  const { search } = file;
  const how = search
    ? `: ${search.objective}, ${formatPercent(search.budget.fraction, 0)} of dense at ${search.length} tokens`
    : '';
  const [kind, own] = name.split(':', 1).concat(name.includes(':') ? basename(path, '.json') : []);
  return {
    name: own === undefined ? kind! : `${kind}:${own}`,
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
