import { MinferenceError } from '../errors.js';
import { nearest } from '../utils/nearest.js';
import type { EvalTask } from './task.js';

/** What can be asked for. */
export interface TaskChoice {
  tasks: readonly EvalTask[];
  /** Names of groups, and short names of single tasks. */
  groups: Readonly<Record<string, readonly string[]>>;
  /** Of what a user gives: 'single,multikey,kv'. */
  example: string;
  /** How names may be shortened, for the hint. */
  note?: string;
}

/**
 * Reads `single,multikey_2,kv`: names of tasks and groups, separated by commas. Each task once, in the order given.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseTasks(
  names: string | readonly string[],
  { tasks, groups, example, note }: TaskChoice,
): EvalTask[] {
  const list = typeof names === 'string' ? names.split(/[,\s]+/).filter((name) => name !== '') : names;
  const fail = (found: string, name?: string): never => {
    const known = tasks.map((task) => task.name);
    const meant = name === undefined ? undefined : nearest(name, [...known, ...Object.keys(groups)]);
    const several = Object.keys(groups).filter((group) => groups[group]!.length > 1);
    throw new MinferenceError('USAGE', `expected tasks such as ${example}, found ${found}`, {
      hint:
        (meant === undefined ? '' : `did you mean ${meant}? `) +
        `groups: ${several.join(', ')}; tasks: ${known.join(', ')}${note ? ` (${note})` : ''}`,
    });
  };
  if (list.length === 0) fail('none');
  const chosen = list.flatMap((name) => {
    const members = Object.hasOwn(groups, name) ? groups[name]! : [name];
    return members.map((member) => tasks.find((task) => task.name === member) ?? fail(`"${name}"`, name));
  });
  return [...new Set(chosen)];
}
