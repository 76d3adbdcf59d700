import { MinferenceError } from '../../errors.js';
import type { EvalTask } from '../task.js';
import { TASK_GROUPS, TASKS } from './tasks.js';

/**
 * Reads `single,multikey_2,kv`: names of tasks and groups, separated by commas. Each task once, in the order given.
 *
 * @throws {MinferenceError} USAGE
 */
export function parseTasks(names: string | readonly string[]): EvalTask[] {
  const list = typeof names === 'string' ? names.split(/[,\s]+/).filter((name) => name !== '') : names;
  if (list.length === 0) throw unknown('none');
  const chosen = list.flatMap((name) => {
    const members = Object.hasOwn(TASK_GROUPS, name) ? TASK_GROUPS[name]! : [name];
    return members.map((member) => TASKS.find((task) => task.name === member) ?? fail(name));
  });
  return [...new Set(chosen)];
}

const fail = (name: string): never => {
  throw unknown(`"${name}"`);
};

function unknown(found: string): MinferenceError {
  const groups = Object.keys(TASK_GROUPS).filter((name) => TASK_GROUPS[name]!.length > 1);
  return new MinferenceError('USAGE', `expected tasks such as single,multikey,kv, found ${found}`, {
    hint: `groups: ${groups.join(', ')}; tasks: ${TASKS.map((task) => task.name).join(', ')} (niah_ may be left out)`,
  });
}
