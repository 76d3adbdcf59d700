import { MinferenceError } from '../errors.js';
import type { Tensor } from './tensor.js';
import type { TensorInfo } from './types.js';

/**
 * Checks the names and element types of a run against the graph; ONNX Runtime checks the shapes.
 *
 * @throws {MinferenceError} RUNTIME_FAILED naming what is unknown, missing or of another type.
 */
export function checkBindings(
  inputs: readonly TensorInfo[],
  outputs: readonly TensorInfo[],
  feeds: Readonly<Record<string, Tensor>>,
  fetches: Readonly<Record<string, 'host' | 'device' | Tensor>>,
): void {
  checkNames('input', inputs, Object.keys(feeds));
  checkNames('output', outputs, Object.keys(fetches));
  if (Object.keys(fetches).length === 0) throw wrong('expected at least one output to fetch, found none');
  for (const info of inputs) {
    const tensor = feeds[info.name];
    if (tensor === undefined) throw wrong(`expected a tensor for input ${info.name}, found none`);
    checkType('input', info, tensor);
  }
  for (const info of outputs) {
    const target = fetches[info.name];
    if (typeof target === 'object') checkType('output', info, target);
  }
}

function checkNames(what: string, known: readonly TensorInfo[], names: readonly string[]): void {
  const unknown = names.find((name) => !known.some((info) => info.name === name));
  if (unknown === undefined) return;
  const all = known.map(({ name }) => name).join(', ') || 'none';
  throw wrong(`expected a name of the graph's ${what}s (${all}), found ${unknown}`);
}

function checkType(what: string, { name, dtype }: TensorInfo, tensor: Tensor): void {
  if (tensor.dtype === dtype) return;
  throw wrong(`expected a tensor of ${dtype} for ${what} ${name}, found ${tensor.dtype}`);
}

const wrong = (message: string) => new MinferenceError('RUNTIME_FAILED', message);
