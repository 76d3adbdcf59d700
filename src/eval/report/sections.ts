import { basename } from 'node:path';
import { group } from 'd3-array';
import { ascending } from '../default-lengths.js';
import type { EvalResults } from '../harness/results.js';
import { nameWithoutFolders, shortName } from './printable.js';
import type { RunFiles } from './read-run.js';
import { indexRun, type RunIndex } from './run-index.js';

/** More than tables and drawings can show of anything. */
const MAX_SHOWN = 64;
const MAX_NAME = 80;

/** A folder of results under the name that the report gives it. */
export interface ReportRun extends Omit<RunFiles, 'folder'> {
  name: string;
  index: RunIndex;
}

/** A method of a run. */
export interface ReportMethod {
  /** As it is shown: with the run's name where several runs have the method. */
  label: string;
  run: ReportRun;
  /** As the results call it. */
  name: string;
}

/** Runs of one evaluation of one model, side by side. */
export interface ReportSection {
  title: string;
  runs: ReportRun[];
  methods: ReportMethod[];
  /** Ascending. */
  lengths: number[];
  tasks: string[];
  /** Ascending; none where depths were drawn. */
  depths: number[];
  /** What there is more of than is shown, such as '80 methods'. */
  cut: string[];
}

const TITLES: Record<EvalResults['evaluation'], string> = {
  niah: 'Needle in a haystack',
  ruler: 'RULER',
  infinitebench: 'InfiniteBench',
};

/** Puts runs of the same evaluation and the same files of a model together, in the order in which they come. */
export function toSections(files: readonly RunFiles[]): ReportSection[] {
  const names = distinct(files.map(({ folder }) => shortName(basename(folder) || 'results', MAX_NAME)));
  const runs = files.map(({ folder: _, ...run }, index) => ({
    ...run,
    name: names[index]!,
    index: indexRun(run.results),
  }));
  const groups = group(runs, ({ results: { evaluation, model } }) =>
    JSON.stringify([evaluation, model.id, model.variant, model.fingerprint]),
  );
  const sections = [...groups.values()].map(toSection);
  const titles = distinct(sections.map(({ title }) => title));
  return sections.map((section, index) => ({ ...section, title: titles[index]! }));
}

function toSection(runs: ReportRun[]): ReportSection {
  const { evaluation, model } = runs[0]!.results;
  const cut: string[] = [];
  const atMost = <Item>(items: readonly Item[], what: string): Item[] => {
    if (items.length > MAX_SHOWN) cut.push(`${items.length} ${what}`);
    return items.slice(0, MAX_SHOWN);
  };
  const options = runs.map(({ results }) => results.options);
  return {
    title: `${TITLES[evaluation]}: ${shortName(nameWithoutFolders(model.id), MAX_NAME)}`,
    runs,
    methods: labelled(atMost(methodsOfRuns(runs), 'methods')),
    lengths: atMost(ascending(options.flatMap(({ lengths }) => lengths)), 'lengths'),
    tasks: atMost([...new Set(options.flatMap(({ tasks }) => tasks.map(({ name }) => name)))], 'tasks'),
    depths: atMost(ascending(options.flatMap(({ depths }) => depths ?? [])), 'depths'),
    cut,
  };
}

type Unlabelled = Omit<ReportMethod, 'label'>;

const methodsOfRuns = (runs: readonly ReportRun[]): Unlabelled[] =>
  runs.flatMap((run) => run.results.options.methods.map(({ name }) => ({ run, name })));

function labelled(methods: readonly Unlabelled[]): ReportMethod[] {
  const sameName = group(methods, ({ name }) => name);
  const labels = methods.map(({ run, name }) => {
    const own = shortName(nameWithoutFolders(name), MAX_NAME);
    return sameName.get(name)!.length > 1 ? `${own} (${run.name})` : own;
  });
  const unique = distinct(labels);
  return methods.map((method, index) => ({ ...method, label: unique[index]! }));
}

/** Names that are there already get a number. */
function distinct(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let own = name;
    for (let number = 2; taken.has(own); number++) own = `${name} ${number}`;
    taken.add(own);
    return own;
  });
}
