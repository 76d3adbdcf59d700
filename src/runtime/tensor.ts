import { MinferenceError } from '../errors.js';
import type { NativeTensor } from './binding-types.js';
import { DTYPES, dtypeFromOnnx } from './dtype.js';
import { loadNative } from './native.js';
import { callNative } from './native-error.js';
import type { DType, HostData } from './types.js';

/**
 * A dense tensor. Host tensors are read and written in place, those on a device by copies. Memory is freed by `dispose()` (or `using`), else by the
 * garbage collector.
 */
export class Tensor implements Disposable {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly location: 'host' | 'cuda';
  /** @internal */
  readonly native: NativeTensor;

  /** @internal */
  constructor(native: NativeTensor) {
    this.native = native;
    this.dtype = dtypeFromOnnx(native.elementType, 'the tensor');
    this.shape = native.shape;
    this.byteLength = native.byteLength;
    this.location = native.location;
  }

  /**
   * Uninitialised memory, of the host by default, or of the CUDA device `deviceId`.
   *
   * @throws {MinferenceError} RUNTIME_FAILED for negative dimensions and sizes that there is no memory for.
   */
  static allocate(dtype: DType, shape: readonly number[], location: 'host' | 'cuda' = 'host', deviceId = 0): Tensor {
    checkShape(shape);
    const { Tensor: NativeTensorClass } = loadNative();
    const what = `a tensor of ${dtype} [${shape.join(', ')}] cannot be allocated`;
    return new Tensor(callNative(what, () => new NativeTensorClass(DTYPES[dtype].onnx, shape, location, deviceId)));
  }

  /**
   * A host tensor with a copy of `data`, an array of the type that {@link HostData} has for `dtype`.
   *
   * @throws {MinferenceError} RUNTIME_FAILED when type or number of the elements do not fit.
   */
  static fromArray(dtype: DType, data: HostData, shape: readonly number[]): Tensor {
    const elements = shape.reduce((product, dim) => product * dim, 1);
    if (data.length !== elements) {
      throw new MinferenceError(
        'RUNTIME_FAILED',
        `expected ${elements} elements for shape [${shape.join(', ')}], found ${data.length}`,
      );
    }
    checkElements(dtype, data);
    const tensor = Tensor.allocate(dtype, shape);
    tensor.#copyFrom(data, 0);
    return tensor;
  }

  /**
   * The elements themselves, not a copy: row-major. After `dispose()` the array is empty.
   *
   * @throws {MinferenceError} RUNTIME_FAILED when the tensor is disposed, or in a device's memory (see toHost).
   */
  data(): HostData {
    return DTYPES[this.dtype].view(callNative('the tensor cannot be read', () => this.native.view()));
  }

  /** A copy of the elements. */
  async toHost(): Promise<HostData> {
    return DTYPES[this.dtype].view(callNative('the tensor cannot be read', () => this.native.read()));
  }

  /**
   * Overwrites elements from `elementOffset` on.
   *
   * @throws {MinferenceError} RUNTIME_FAILED when type or number of the elements do not fit.
   */
  async write(data: HostData, elementOffset = 0): Promise<void> {
    checkElements(this.dtype, data);
    const elements = this.byteLength / DTYPES[this.dtype].bytes;
    if (!Number.isSafeInteger(elementOffset) || elementOffset < 0 || elementOffset + data.length > elements) {
      throw new MinferenceError(
        'RUNTIME_FAILED',
        `expected elements within the ${elements} of the tensor, found ${data.length} at offset ${elementOffset}`,
      );
    }
    this.#copyFrom(data, elementOffset);
  }

  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #copyFrom(data: HostData, elementOffset: number): void {
    const byteOffset = elementOffset * DTYPES[this.dtype].bytes;
    callNative('the tensor cannot be written', () => this.native.write(data, byteOffset));
  }
}

function checkShape(shape: readonly number[]): void {
  if (shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) return;
  throw new MinferenceError('RUNTIME_FAILED', `expected dimensions >= 0, found [${shape.join(', ')}]`);
}

function checkElements(dtype: DType, data: HostData): void {
  const { array } = DTYPES[dtype];
  if (data instanceof array) return;
  const found = (data as object).constructor.name;
  throw new MinferenceError('RUNTIME_FAILED', `expected a ${array.name} for elements of ${dtype}, found a ${found}`);
}
