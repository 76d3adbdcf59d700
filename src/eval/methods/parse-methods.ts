import { MinferenceError } from '../../errors.js';
import { choiceSchema } from '../../patterns/head-choice.js';
import { MAX_TOKENS } from '../../patterns/limits.js';
import { CATALOG, type MethodName, methodKind } from './catalog.js';

/** A method as the user asked for it, before the model is known. */
export type MethodSpec =
  | { kind: 'dense'; name: string }
  /** Patterns of a file; without a path, of the one that --patterns names. Static: with the indices of another prompt. */
  | { kind: 'file'; name: string; path?: string; static?: true }
  /** One choice of keys for all heads; without sizes, as the budgets say. */
  | { kind: 'uniform'; name: string; method: MethodName; sizes?: readonly number[] };

/** More methods than a table or a plot can show. */
const MAX_METHODS = 24;

/**
 * Reads `dense,a_shape,minference`: `dense`; `minference` (the pattern file that --patterns names) or `minference:<file>`;
 * `minference_static`, the same with the indices of another prompt; and the names of the catalog, with sizes
 * (`a_shape:<sink>,<window>`) or without (as large as the budgets say). Names may be written with hyphens.
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

/** Whether the graph needs inputs for explicit indices. */
export const needsIndices = (specs: readonly MethodSpec[]): boolean =>
  specs.some((spec) =>
    spec.kind === 'uniform' ? methodKind(spec.method).explicit : spec.kind === 'file' && spec.static,
  );

const NUMBER = String.raw`\d+(?:\.\d+)?`;

/** A comma before a number separates sizes, any other comma methods. */
const split = (text: string) =>
  text
    .split(new RegExp(String.raw`,(?!\s*${NUMBER}\s*(?:,|$))`))
    .map((part) => part.trim())
    .filter((part) => part !== '');

function parseMethod(text: string): MethodSpec {
  const [, written, argument] = /^([\w-]+)(?::(.+))?$/s.exec(text) ?? [];
  const name = written?.replaceAll('-', '_');
  if (name === 'dense' && argument === undefined) return { kind: 'dense', name };
  if (name === 'minference' || name === 'minference_static') {
    const spec = { kind: 'file', name: argument ? `${name}:${argument}` : name } as const;
    return { ...spec, ...(argument && { path: argument }), ...(name !== 'minference' && { static: true as const }) };
  }
  if (name === undefined || !Object.hasOwn(CATALOG, name)) throw bad(`"${text}"`);
  const method = name as MethodName;
  if (argument === undefined) return { kind: 'uniform', name, method };
  const sizes = parseSizes(method, argument);
  if (!sizes) throw bad(`"${text}"`, signature(method));
  return { kind: 'uniform', name: `${name}:${sizes.join(',')}`, method, sizes };
}

function parseSizes(method: MethodName, text: string): number[] | undefined {
  const { sizes: wanted, choice } = methodKind(method);
  const written = text.split(',').map((size) => size.trim());
  if (written.length !== wanted.length) return undefined;
  if (!written.every((size) => new RegExp(`^${NUMBER}$`).test(size))) return undefined;
  const sizes = written.map(Number);
  const fits = wanted.every(({ kind }, i) =>
    kind === 'share' ? sizes[i]! <= 1 : Number.isInteger(sizes[i]) && sizes[i]! <= MAX_TOKENS,
  );
  // What only the method itself knows, such as the strides that divide a block.
  return fits && choiceSchema.safeParse(choice(sizes)).success ? sizes : undefined;
}

/** `a_shape:<sink>,<window>`. */
const signature = (method: MethodName) =>
  `${method}:${methodKind(method)
    .sizes.map(({ name, kind }) => `<${name}${kind === 'share' ? ' from 0 to 1' : ''}>`)
    .join(',')}`;

const bad = (found: string, hint?: string) =>
  new MinferenceError('USAGE', `expected methods such as dense,a_shape,minference, found ${found}`, {
    hint:
      hint ??
      `dense, minference, minference:<file>, minference_static, and with sizes or without: ${Object.keys(CATALOG)
        .map((name) => signature(name as MethodName))
        .join(', ')}`,
  });
