import { Session } from '../../src/runtime/session.js';
import { Tensor } from '../../src/runtime/tensor.js';
import type { DType, HostData } from '../../src/runtime/types.js';
import { createRandom } from '../../src/utils/prng.js';
import { buildModel } from '../runtime/helpers/models.js';

export interface OpCall {
  op: string;
  /** Default: ai.minference. */
  domain?: string;
  attributes?: Record<string, number | string | { float: number }>;
  /** In the op's order; null leaves an optional input out. */
  inputs: readonly (readonly [name: string, tensor: Tensor] | null)[];
  outputs: readonly (readonly [name: string, dtype: DType])[];
  /** Tensors that outputs are written into; they may be inputs too. */
  into?: Record<string, Tensor>;
}

const sessions = new Map<string, Promise<Session>>();

/** Runs one op through ONNX Runtime, as a graph of a single node. Sessions are kept for calls of the same form. */
export async function runOp(call: OpCall): Promise<Record<string, Tensor>> {
  const { op, domain = 'ai.minference', attributes = {}, inputs, outputs, into = {} } = call;
  const ports = inputs.filter((input) => input !== null);
  const model = {
    inputs: ports.map(([name, { dtype, shape }]) => [name, dtype, shape.map((_, dim) => `${name}_${dim}`)] as const),
    outputs: [...outputs],
    nodes: [
      {
        op,
        domain,
        attributes,
        inputs: inputs.map((input) => input?.[0] ?? ''),
        outputs: outputs.map(([name]) => name),
      },
    ],
  };
  const key = JSON.stringify(model);
  let session = sessions.get(key);
  if (!session) {
    session = Session.create({ model: buildModel(model), device: 'cpu', customOps: domain === 'ai.minference' });
    sessions.set(key, session);
  }
  const fetches = Object.fromEntries(outputs.map(([name]) => [name, into[name] ?? ('host' as const)]));
  return (await session).run(Object.fromEntries(ports), fetches);
}

export const int32 = (values: readonly number[], shape = [values.length]) =>
  Tensor.fromArray('int32', Int32Array.from(values), shape);

/** Uniform in [-scale, scale); depends on the seed and the name alone. */
export function randomTensor(seed: string, name: string, shape: readonly number[], scale = 2): Tensor {
  const stream = createRandom(0, seed, name);
  const size = shape.reduce((product, dim) => product * dim, 1);
  return Tensor.fromArray(
    'float32',
    Float32Array.from({ length: size }, () => scale * (2 * stream.float() - 1)),
    shape,
  );
}

/** Elements as numbers, whatever the host type. */
export const numbers = (tensor: Tensor): number[] => Array.from(tensor.data() as Exclude<HostData, BigInt64Array>);
