import { MinferenceError } from '../../errors.js';
import type { HeadPattern } from '../../patterns/head-pattern.js';
import { MAX_TOKENS } from '../../patterns/limits.js';

/** A method as the user asked for it, before the model is known. */
export type MethodSpec =
  | { kind: 'dense'; name: string }
  /** Patterns of a file; without a path, of the one that --patterns names. */
  | { kind: 'file'; name: string; path?: string }
  /** One pattern for all heads; without sizes, as large as the budget allows. */
  | { kind: 'uniform'; name: string; type: UniformType; pattern?: HeadPattern };

type UniformType = Exclude<HeadPattern['type'], 'dense'>;

/** More methods than a table or a plot can show. */
const MAX_METHODS = 16;
const SIZES: Record<UniformType, number> = { a_shape: 2, vertical_slash: 2, block_sparse: 1 };

/**
 * Reads `dense,a_shape,minference`: `dense`; `minference` (the pattern file that --patterns names) or
 * `minference:<file>`; `a_shape`, `block_sparse` (as large as the budget allows) and, with sizes,
 * `a_shape:<sink>,<window>`, `vertical_slash:<columns>,<diagonals>`, `block_sparse:<blocks>`.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseMethods(methods: string | readonly string[]): MethodSpec[] {
  const list = typeof methods === 'string' ? split(methods) : methods;
  if (list.length === 0 || list.length > MAX_METHODS) throw bad(`${list.length} of them`);
  const specs = list.map(parseMethod);
  const names = new Set(specs.map(({ name }) => name));
  if (names.size < specs.length) throw bad('the same one twice');
  return specs;
}

/** A comma before a number separates sizes, any other comma methods. */
const split = (text: string) =>
  text
    .split(/,(?!\s*\d+\s*(?:,|$))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

function parseMethod(text: string): MethodSpec {
  const [, kind, argument] = /^(\w+)(?::(.+))?$/s.exec(text) ?? [];
  if (kind === 'dense' && argument === undefined) return { kind, name: 'dense' };
  if (kind === 'minference')
    return argument ? { kind: 'file', name: text, path: argument } : { kind: 'file', name: text };
  if (kind === undefined || !Object.hasOwn(SIZES, kind)) throw bad(`"${text}"`);
  const type = kind as UniformType;
  if (argument === undefined) {
    if (type !== 'vertical_slash') return { kind: 'uniform', name: type, type };
    throw bad('vertical_slash without sizes', 'its cost depends on the prompt: give sizes, vertical_slash:1000,2048');
  }
  const sizes = argument.split(',').map((size) => (/^\s*\d+\s*$/.test(size) ? Number(size) : Number.NaN));
  if (sizes.length !== SIZES[type] || !sizes.every((size) => size <= MAX_TOKENS)) throw bad(`"${text}"`);
  return { kind: 'uniform', name: `${type}:${sizes.join(',')}`, type, pattern: uniform(type, sizes) };
}

function uniform(type: UniformType, [a, b]: readonly number[]): HeadPattern {
  switch (type) {
    case 'a_shape':
      return { type, sink: a!, window: b! };
    case 'vertical_slash':
      return { type, vertical: a!, slash: b! };
    case 'block_sparse':
      return { type, blocks: a! };
  }
}

const bad = (found: string, hint?: string) =>
  new MinferenceError('USAGE', `expected methods such as dense,a_shape,minference, found ${found}`, {
    hint:
      hint ??
      'dense, minference, minference:<file>, a_shape, a_shape:<sink>,<window>, vertical_slash:<columns>,<diagonals>, ' +
        'block_sparse, block_sparse:<blocks>',
  });
