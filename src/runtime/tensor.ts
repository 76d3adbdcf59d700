import { MinferenceError } from '../errors.js';
import type { NativeTensor } from './binding-types.js';
import { DTYPES, dtypeFromOnnx } from './dtype.js';
import { loadNative } from './native.js';
import type { DType, HostData } from './types.js';

/**
 * A dense tensor. Host tensors are read and written in place. Memory is freed by `dispose()` (or `using`), else by the
 * garbage collector.
 */
export class Tensor implements Disposable {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly byteLength: number;
  readonly location = 'host' as const;
  /** @internal */
  readonly native: NativeTensor;

  /** @internal */
  constructor(native: NativeTensor) {
    this.native = native;
    this.dtype = dtypeFromOnnx(native.elementType, 'the tensor');
    this.shape = native.shape;
    this.byteLength = native.byteLength;
  }

  /** Uninitialised host memory. */
  static allocate(dtype: DType, shape: readonly number[]): Tensor {
    const { Tensor: NativeTensorClass } = loadNative();
    return new Tensor(new NativeTensorClass(DTYPES[dtype].onnx, shape));
  }

  /**
   * A host tensor with a copy of `data`.
   *
   * @throws {RangeError} when the number of elements is not the product of `shape`.
   */
  static fromArray(dtype: DType, data: HostData, shape: readonly number[]): Tensor {
    const elements = shape.reduce((product, dim) => product * dim, 1);
    if (data.length !== elements) {
      throw new RangeError(`expected ${elements} elements for shape [${shape.join(', ')}], found ${data.length}`);
    }
    const tensor = Tensor.allocate(dtype, shape);
    tensor.data().set(data as never);
    return tensor;
  }

  /** The elements themselves, not a copy: row-major, valid for as long as the view is held. */
  data(): HostData {
    return DTYPES[this.dtype].view(this.native.view());
  }

  /** A copy of the elements. */
  async toHost(): Promise<HostData> {
    return this.data().slice();
  }

  /** Overwrites elements from `elementOffset` on. */
  async write(data: HostData, elementOffset = 0): Promise<void> {
    const target = this.data();
    if (elementOffset < 0 || elementOffset + data.length > target.length) {
      throw new MinferenceError(
        'RUNTIME_FAILED',
        `expected at most ${target.length - elementOffset} elements at offset ${elementOffset}, found ${data.length}`,
      );
    }
    target.set(data as never, elementOffset);
  }

  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
