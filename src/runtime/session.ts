import { randomUUID } from 'node:crypto';
import { throwIfAborted } from '../utils/abort.js';
import { defined } from '../utils/defined.js';
import type { NativeSession, NativeTensorInfo } from './binding-types.js';
import { checkBindings } from './check-bindings.js';
import { physicalCores } from './cpu-count.js';
import { requireCuda } from './device.js';
import { dtypeFromOnnx } from './dtype.js';
import { loadNative, opsLibraryPath } from './native.js';
import { callNative } from './native-error.js';
import { finishNativeWork } from './native-work.js';
import { Tensor } from './tensor.js';
import type { Device, DType, OpCounters, RunOptions, SessionOptions, TensorInfo } from './types.js';

/** Configuration entry by which the ops tell sessions apart. */
const SESSION_KEY = 'ai.minference.session';
const OPTIMIZATION = { none: 0, basic: 1, extended: 2, all: 99 } as const;

/** A model loaded by ONNX Runtime. Runs happen off the main thread; several may be under way at once. */
export class Session implements Disposable {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly device: Device;
  /** Number of the CUDA device. */
  readonly deviceId: number;
  readonly #native: NativeSession;
  /** Of its counters; undefined in plain ONNX Runtime, whose process may never have loaded the op library. */
  readonly #name: string | undefined;

  private constructor(native: NativeSession, name: string, { device, deviceId = 0, customOps }: SessionOptions) {
    this.#native = native;
    this.#name = customOps === false ? undefined : name;
    this.device = device;
    this.deviceId = deviceId;
    this.inputs = native.inputs.map(describe);
    this.outputs = native.outputs.map(describe);
  }

  /**
   * @throws {MinferenceError} RUNTIME_FAILED with ONNX Runtime's text and code when the model cannot be loaded;
   *   MODEL_UNSUPPORTED for inputs or outputs of exotic types; NATIVE_NOT_BUILT, NATIVE_LOAD_FAILED,
   *   DEVICE_UNAVAILABLE; ABORTED.
   */
  static async create(options: SessionOptions): Promise<Session> {
    const { signal } = options;
    if (options.device === 'cuda') requireCuda();
    throwIfAborted(signal);
    const native = loadNative();
    // Of its counters, among all sessions of the process.
    const name = randomUUID();
    const what = 'the model cannot be loaded';
    const { promise, cancel } = callNative(what, () =>
      native.createSession({
        model: options.model,
        device: options.device,
        deviceId: options.deviceId ?? 0,
        threads: options.threads ?? physicalCores(),
        optimization: OPTIMIZATION[options.optimization ?? 'all'],
        config: { ...options.config, [SESSION_KEY]: name },
        ...defined({
          externalDataFolder: options.externalDataFolder,
          profilePrefix: options.profilePrefix,
          opsLibrary: options.customOps === false ? undefined : opsLibraryPath(),
        }),
      }),
    );
    const session = await finishNativeWork({ what, work: promise, stop: cancel, signal });
    try {
      return new Session(session, name, options);
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** Uninitialised memory on this session's device. */
  allocate(dtype: DType, shape: readonly number[]): Tensor {
    return Tensor.allocate(dtype, shape, this.device === 'cuda' ? 'cuda' : 'host', this.deviceId);
  }

  /**
   * Runs the graph once. `fetches` names the outputs wanted: where they go, or a tensor to write into (it may be one of
   * the feeds: a cache shared between past and present). The caller disposes what it gets.
   *
   * @throws {MinferenceError} RUNTIME_FAILED for wrong names and types, or with ONNX Runtime's text and code; ABORTED
   *   when the signal fired.
   */
  async run(
    feeds: Record<string, Tensor>,
    fetches: Record<string, 'host' | 'device' | Tensor>,
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const { signal } = options;
    throwIfAborted(signal);
    checkBindings(this.inputs, this.outputs, feeds, fetches);
    const outputs = Object.entries(fetches);
    const what = 'the model cannot be run';
    const { promise, terminate } = callNative(what, () =>
      this.#native.run(
        Object.entries(feeds).map(([name, tensor]) => [name, tensor.native] as const),
        outputs.map(([name, target]) => [name, target instanceof Tensor ? target.native : target] as const),
      ),
    );
    const results = await finishNativeWork({ what, work: promise, stop: terminate, signal });
    return Object.fromEntries(
      outputs.map(([name, target], i) => [name, target instanceof Tensor ? target : new Tensor(results[i]!)]),
    );
  }

  /**
   * What the attention ops of this session have done so far; on a GPU, of the runs that it has finished. Null where the
   * graph has none of them.
   */
  counters(): OpCounters | null {
    const name = this.#name;
    if (name === undefined) return null;
    const { readCounters } = loadNative();
    const values = callNative('the counters cannot be read', () => readCounters(opsLibraryPath(), name));
    if (values === null) return null;
    const [indexNs, totalNs, calls, tiles, denseTiles] = values as [number, number, number, number, number];
    return { indexMs: indexNs / 1e6, totalMs: totalNs / 1e6, calls, tiles, denseTiles };
  }

  /**
   * Ends profiling and returns the path of the profile.
   *
   * @throws {MinferenceError} RUNTIME_FAILED when the session is disposed.
   */
  endProfiling(): string {
    return callNative('the profile cannot be written', () => this.#native.endProfiling());
  }

  /** Frees the session, after the runs under way. Tensors that it returned stay valid. */
  dispose(): void {
    this.#native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function describe(info: NativeTensorInfo): TensorInfo {
  return { name: info.name, dtype: dtypeFromOnnx(info.elementType, info.name), shape: info.shape };
}
