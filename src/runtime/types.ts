/** Element types that cross the native boundary; names follow NumPy. */
export type DType = 'float64' | 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int8' | 'uint8' | 'bool';

/** Host view of a tensor's elements. float16 and bfloat16 travel as their 16-bit patterns. */
export type HostData = Float64Array | Float32Array | Uint16Array | BigInt64Array | Int32Array | Int8Array | Uint8Array;

export type Device = 'cpu' | 'cuda';

/** A graph input or output; symbolic dimensions are strings, unknown ones ''. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string)[];
}

export interface SessionOptions {
  /** Serialized ONNX ModelProto. Must not change before the session is created; not kept afterwards. */
  model: Uint8Array;
  /** Folder against which the model's external data locations are resolved. */
  externalDataFolder?: string;
  device: Device;
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. */
  deviceId?: number;
  /** Intra-op threads; default: the number of physical cores available to the process. */
  threads?: number;
  /** Register `ai.minference` ops (default true). False gives plain ONNX Runtime, the baseline. */
  customOps?: boolean;
  /** Session configuration entries, for ONNX Runtime and the ops. */
  config?: Readonly<Record<string, string>>;
  /** ORT graph optimization level (default 'all'). */
  optimization?: 'none' | 'basic' | 'extended' | 'all';
  /** When set, ORT writes a per-node profile with this file prefix; `session.endProfiling()` returns its path. */
  profilePrefix?: string;
  /** Stops the creation and rejects with code ABORTED. */
  signal?: AbortSignal;
}

export interface RunOptions {
  /** Stops the run before its next node (ORT's terminate flag) and rejects with code ABORTED. */
  signal?: AbortSignal;
}

/** What the attention ops of a session have done since it was made. */
export interface OpCounters {
  /** Building sparse indices, within totalMs. */
  indexMs: number;
  /** Rotary embedding, cache write, index and attention. */
  totalMs: number;
  /** Finished calls. */
  calls: number;
  /** Tiles computed, and those that dense attention would have computed in the same calls; decode steps left out. */
  tiles: number;
  denseTiles: number;
}
