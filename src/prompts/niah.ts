import { defined } from '../utils/defined.js';
import type { Random } from '../utils/prng.js';
import { sentenceStart } from './essays.js';
import { type Hidden, hideInEssays, hideInLines } from './hide.js';
import { type NeedleKind, newNeedleText } from './needle-text.js';
import { type PromptGenerator, type PromptRequest, type PromptSources, SHORT } from './prompt.js';
import { fill, WORDING } from './wording.js';

/** What tells RULER's needle tasks apart (its `synthetic.yaml`). */
export interface NiahSpec {
  /** `noise`: one sentence repeated; `essay`: running text; `needle`: other needles. */
  haystack: 'noise' | 'essay' | 'needle';
  keys: NeedleKind;
  values: NeedleKind;
  /** Keys that are hidden; 1 by default. */
  numKeys?: number;
  /** Values of every key; 1 by default. */
  numValues?: number;
  /** Keys that are asked for; 1 by default. */
  numQueries?: number;
}

/** RULER draws the depths of needles out of 40, without repetition. */
const DEPTHS = 40;

/** Units by which sizes moved until May 2025, and where prompts have fewer than 4,096 tokens. */
const STEPS = { essay: [500, 500], noise: [25, 5], needle: [25, 5] } as const;

/**
 * RULER's needle in a haystack. The first needle that is asked for stands at the depth requested; all others, asked for
 * or not, at depths drawn as RULER draws them. Keys and values are new to each other and to the haystack.
 */
export function niahGenerator(spec: NiahSpec): PromptGenerator {
  return (sources, request) => {
    const { needles, asked } = drawNeedles(spec, sources, request);
    const context = haystackOf(spec, sources, request, needles);
    const wording = wordingFor(spec, asked.length);
    const query = listOf([...new Set(asked.map(({ key }) => key))]);
    const [step, smallStep] = STEPS[spec.haystack];
    return {
      ...context,
      ...defined({ step: request.era === '2024' ? (request.length < SHORT ? smallStep : step) : undefined }),
      build: (units) => ({
        user: fill(wording.template, { values: wording.values, query, context: context.build(units) }),
        answerPrefix: fill(wording.answerPrefix, { values: wording.values, query }),
        references: asked.map(({ value }) => value),
      }),
    };
  };
}

interface Needle extends Hidden {
  key: string;
  value: string;
}

function drawNeedles(
  { keys, values, haystack, numKeys = 1, numValues = 1, numQueries = 1 }: NiahSpec,
  sources: PromptSources,
  { depth, random }: PromptRequest,
) {
  const texts = random('needles');
  const taken = new Set<string>();
  const alsoIn = haystack === 'essay' ? sources.essays.includes : undefined;
  const draw = (kind: NeedleKind) => newNeedleText(kind, texts, sources, taken, alsoIn);
  const depths = depthsOf(Math.max(numKeys, numQueries) * numValues, depth, random('depths'));
  const needles = Array.from({ length: Math.max(numKeys, numQueries) }, () => draw(keys)).flatMap((key) =>
    Array.from({ length: numValues }, (): Needle => {
      const value = draw(values);
      const text = fill(WORDING.niah.needle, { values, key, value });
      return { key, value, text, depth: depths.shift()! };
    }),
  );
  return { needles, asked: needles.slice(0, numQueries * numValues) };
}

function depthsOf(count: number, first: number | null, random: Random): number[] {
  const grid = Array.from({ length: DEPTHS }, (_, index) => Math.round((index * 100) / (DEPTHS - 1)) / 100);
  const drawn = random.shuffle(grid);
  return first === null ? drawn.slice(0, count) : [first, ...drawn.slice(0, count - 1)];
}

function haystackOf(
  { haystack, keys, values }: NiahSpec,
  sources: PromptSources,
  { random, era }: PromptRequest,
  needles: readonly Needle[],
): { minUnits: number; maxUnits?: number; build: (units: number) => string } {
  if (haystack === 'noise') {
    return { minUnits: 1, build: (units) => hideInLines(Array<string>(units).fill(WORDING.noise), needles) };
  }
  if (haystack === 'essay') {
    const start = sentenceStart(sources.essays, random('haystack').float());
    return {
      minUnits: 1,
      ...defined({ maxUnits: era === '2024' ? sources.essays.words.length : undefined }),
      build: (count) => hideInEssays(sources.essays, { start, count }, needles),
    };
  }
  const distractor = distractors({ keys, values }, sources, random('haystack'), needles);
  return { minUnits: 1, build: (units) => hideInLines(distractor.take(units), needles) };
}

/** Needles nobody asks for; the first ones are the same however many are taken. */
function distractors(
  { keys, values }: Pick<NiahSpec, 'keys' | 'values'>,
  sources: PromptSources,
  random: Random,
  needles: readonly Needle[],
) {
  const taken = new Set(needles.flatMap(({ key, value }) => [key, value]));
  const lines: string[] = [];
  return {
    take(count: number): string[] {
      while (lines.length < count) {
        const key = newNeedleText(keys, random, sources, taken);
        const value = newNeedleText(values, random, sources, taken);
        lines.push(fill(WORDING.niah.needle, { values, key, value }));
      }
      return lines.slice(0, count);
    },
  };
}

/** RULER's template; for one value with RULER's own replacements, which make it singular. */
function wordingFor({ values }: NiahSpec, asked: number) {
  const { template, answerPrefix, singular } = WORDING.niah;
  if (asked > 1) return { template, answerPrefix, values };
  const rewrite = (text: string) => singular.reduce((result, [from, to]) => result.replaceAll(from, to), text);
  return { template: rewrite(template), answerPrefix: rewrite(answerPrefix), values: values.slice(0, -1) };
}

/** 'a', or 'a, b, and c'. */
function listOf(names: readonly string[]): string {
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')}, and ${names.at(-1)}`;
}
