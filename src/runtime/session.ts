import { availableParallelism } from 'node:os';
import { MinferenceError } from '../errors.js';
import type { NativeSession, NativeTensorInfo } from './binding-types.js';
import { dtypeFromOnnx } from './dtype.js';
import { loadNative, opsLibraryPath } from './native.js';
import { Tensor } from './tensor.js';
import type { Device, DType, RunOptions, SessionOptions, TensorInfo } from './types.js';

const OPTIMIZATION = { none: 0, basic: 1, extended: 2, all: 99 } as const;

/** A model loaded by ONNX Runtime. Runs happen off the main thread; several may be under way at once. */
export class Session implements Disposable {
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  readonly device: Device;
  readonly #native: NativeSession;

  private constructor(native: NativeSession, device: Device) {
    this.#native = native;
    this.device = device;
    this.inputs = native.inputs.map(describe);
    this.outputs = native.outputs.map(describe);
  }

  /**
   * @throws {MinferenceError} RUNTIME_FAILED with ONNX Runtime's text when the model cannot be loaded.
   */
  static async create(options: SessionOptions): Promise<Session> {
    if (options.device === 'cuda') {
      throw new MinferenceError('DEVICE_UNAVAILABLE', 'expected device cpu, found cuda: this build has no CUDA ops', {
        hint: 'use --device cpu',
      });
    }
    const native = loadNative();
    const session = await native
      .createSession({
        model: options.model,
        threads: options.threads ?? availableParallelism(),
        optimization: OPTIMIZATION[options.optimization ?? 'all'],
        ...(options.externalDataFolder === undefined ? {} : { externalDataFolder: options.externalDataFolder }),
        ...(options.profilePrefix === undefined ? {} : { profilePrefix: options.profilePrefix }),
        ...(options.customOps === false ? {} : { opsLibrary: opsLibraryPath() }),
      })
      .catch((error: unknown) => {
        throw runtimeError('ONNX Runtime cannot load the model', error);
      });
    return new Session(session, options.device);
  }

  /** Uninitialised memory on this session's device. */
  allocate(dtype: DType, shape: readonly number[]): Tensor {
    return Tensor.allocate(dtype, shape);
  }

  /**
   * Runs the graph once. `fetches` names the outputs wanted: where they go, or a tensor to write into (it may be one of
   * the feeds: a cache shared between past and present).
   *
   * @throws {MinferenceError} RUNTIME_FAILED with ONNX Runtime's text; ABORTED when the signal fired.
   */
  async run(
    feeds: Record<string, Tensor>,
    fetches: Record<string, 'host' | 'device' | Tensor>,
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const { signal } = options;
    if (signal?.aborted) throw aborted(signal);
    const outputs = Object.entries(fetches);
    const handle = this.#native.run(
      Object.entries(feeds).map(([name, tensor]) => [name, tensor.native] as const),
      outputs.map(([name, target]) => [name, target instanceof Tensor ? target.native : null] as const),
    );
    const terminate = () => handle.terminate();
    signal?.addEventListener('abort', terminate, { once: true });
    try {
      const results = await handle.promise;
      return Object.fromEntries(
        outputs.map(([name, target], i) => [name, target instanceof Tensor ? target : new Tensor(results[i]!)]),
      );
    } catch (error) {
      if (signal?.aborted) throw aborted(signal);
      throw runtimeError('ONNX Runtime failed', error);
    } finally {
      signal?.removeEventListener('abort', terminate);
    }
  }

  /** Ends profiling and returns the path of the profile. */
  endProfiling(): string {
    return this.#native.endProfiling();
  }

  /** Frees the session once the runs under way are done. */
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

function aborted(signal: AbortSignal): MinferenceError {
  return new MinferenceError('ABORTED', 'the run was interrupted', { cause: signal.reason });
}

function runtimeError(what: string, error: unknown): MinferenceError {
  return new MinferenceError('RUNTIME_FAILED', `${what}: ${(error as Error).message}`, { cause: error });
}
