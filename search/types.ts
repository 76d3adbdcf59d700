import type { ModelDirectory } from '../src/model/model-directory.js';
import type { Objective } from '../src/patterns/pattern-file.js';
import type { ProgressReporter } from '../src/utils/progress.js';

export interface SearchOptions {
  /** Model folder, .onnx file, Hub id or an already resolved model; default: the embedded model. */
  model?: string | ModelDirectory;
  /** Which ONNX file of the folder, such as `q4`. */
  variant?: string;
  /** `'auto'` by default. */
  device?: 'auto' | 'cpu' | 'cuda';
  /** Which CUDA device, among those that CUDA_VISIBLE_DEVICES leaves; 0 by default. Asks for CUDA. */
  deviceId?: number;
  /** CPU threads; default: the physical cores. */
  threads?: number;
  /** Tokens of every calibration prompt; 8,192 by default. */
  length?: number;
  /** Cost of a head: `20%` (default), `0.2`, `a_shape:1024,4096` or `1.7e9flops`; see search/budget.ts. */
  budget?: string;
  /** Calibration sets, separated by commas: `kv` (default), `needle`, `vt`, `words`, `qa`, `file:<path>`. */
  calibration?: string;
  /** Prompts per calibration set; 1 by default. */
  samples?: number;
  /** What a pattern must keep; `'answer'` by default. */
  objective?: Objective;
  /** Seed of the calibration prompts; 0 by default. */
  seed?: number;
  /** Pattern file to write, with a map of the heads beside it as .svg. Default: nothing is written. */
  out?: string;
  /** Continue an interrupted search of the same options that was to write the same file; true by default. */
  resume?: boolean;
}

export interface SearchContext {
  progress?: ProgressReporter;
  /** Stops between calibration prompts, and within one as soon as the runtime can. */
  signal?: AbortSignal;
}
