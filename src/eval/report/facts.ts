import { formatCount } from '../../utils/format.js';
import { formatTokenCount } from '../../utils/parse-size.js';
import { formatKv } from '../harness/kv-choice.js';
import type { EvalSetup } from '../harness/results.js';
import { nameWithoutFolders, withoutFolders } from './printable.js';
import type { ReportRun, ReportSection } from './sections.js';

/** A title and what it says, both as text. */
export type Fact = readonly [title: string, value: string];

const YES_NO = (value: boolean) => (value ? 'yes' : 'no');

/** What answers and times of a run depend on and a reader asks first. */
export function conditions({ evaluation, model, device, tool, commit, options, data }: EvalSetup): Fact[] {
  return [
    ['model', `${nameWithoutFolders(model.id)}, variant ${model.variant}`],
    ['device', `${device.kind}, ${device.cpu}${device.threads === null ? '' : `, ${device.threads} threads`}`],
    ['version', tool],
    ['commit', commit ?? 'installed package'],
    ...(evaluation === 'ruler' ? [['rules', `RULER of ${options.era}`] as const] : []),
    ['seed', String(options.seed)],
    ['samples', String(options.samples)],
    ['lengths', options.lengths.map(formatTokenCount).join(', ')],
    ...(options.depths ? [['depths', options.depths.map((depth) => `${depth} %`).join(', ')] as const] : []),
    ['tasks', options.tasks.map(({ name }) => name).join(', ')],
    ['prefill in pieces of', options.chunk === null ? 'as many tokens as memory allows' : `${options.chunk} tokens`],
    ['dense where as fast', YES_NO(options.allow_dense)],
    ['prompt in decoding', options.kv ? `what ${formatKv(options.kv)} keeps` : 'all of it'],
    ['chat template', YES_NO(options.chat_template)],
    ...Object.entries(data).map(
      ([key, { name, sha256 }]): Fact => [`data: ${key}`, `${nameWithoutFolders(name)}, SHA-256 ${sha256}`],
    ),
  ];
}

/** What else is needed to have the same again. */
export function details({ results }: ReportRun): Fact[] {
  const { model, device, options, key, finished } = results;
  const { block_m, block_n, key_align } = device.kernel;
  return [
    ['finished', finished],
    ['fingerprint of the model', model.fingerprint],
    ['files of the model', model.files],
    ['context length', `${formatCount(model.context_length)} tokens`],
    ['tiles of the kernel', `${block_m} × ${block_n}, keys from multiples of ${key_align}`],
    ...options.tasks.map(
      ({ name, source, metric, max_new_tokens: limit }): Fact => [
        `task: ${name}`,
        `${withoutFolders(source)}, scored by ${metric}, answers of up to ${limit} tokens`,
      ],
    ),
    ...options.methods.map(
      ({ name, description, pattern_file: file }): Fact => [
        `method: ${nameWithoutFolders(name)}`,
        [
          withoutFolders(description),
          ...(file ? [`pattern file ${nameWithoutFolders(file.name)}, SHA-256 ${file.sha256}`] : []),
        ].join('; '),
      ],
    ),
    ['key', key],
  ];
}

/** In which conditions runs that stand side by side differ, with what each has. */
export function differences({ runs }: ReportSection): Fact[] {
  const all = runs.map(({ name, results }) => ({ name, facts: new Map(conditions(results)) }));
  const titles = [...new Set(all.flatMap(({ facts }) => [...facts.keys()]))];
  return titles.flatMap((title): Fact[] => {
    const values = all.map(({ name, facts }) => ({ name, value: facts.get(title) ?? 'none' }));
    if (new Set(values.map(({ value }) => value)).size === 1) return [];
    return [[title, values.map(({ name, value }) => `${value} (${name})`).join('; ')]];
  });
}

/** A line about what was compared. */
export function headline({ runs, methods }: ReportSection): string {
  const { device, tool, commit, options, evaluation } = runs[0]!.results;
  const count = options.samples;
  const per = options.depths ? 'task, length and depth' : 'task and length';
  return [
    `${methods.length} ${methods.length === 1 ? 'method' : 'methods'}`,
    `${count} ${count === 1 ? 'prompt' : 'prompts'} per ${per}`,
    ...(evaluation === 'ruler' ? [`rules of ${options.era}`] : []),
    `seed ${options.seed}`,
    `${device.kind} (${device.cpu})`,
    `${tool}${commit === null ? '' : ` at ${commit.slice(0, 12)}`}`,
    ...(runs.length > 1 ? [`${runs.length} folders of results`] : []),
  ].join(' · ');
}
