import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { describeEnv } from '../utils/env.js';
import type { NativeCudaInfo } from './binding-types.js';
import { type CostFile, keptCosts } from './costs/cost-file.js';
import { costKey } from './costs/resolve-costs.js';
import { cudaProblem } from './device.js';
import { type GpuFacts, gpuFacts } from './gpu.js';
import { locateNativeFiles } from './locate.js';
import { cudaInfo, type KernelGeometry, kernelGeometry, onnxRuntimeVersion, simdLevel } from './native.js';

/** Everything `minference inspect` says about this machine and the native part. */
export interface NativeFacts {
  cpu: { model: string; threads: number; instructionSets: string[] };
  /** Version in use, or null with the reason. */
  onnxRuntime: { path: string; version: string | null };
  kernels: { simd: string | null; geometry: KernelGeometry | null };
  /** Contents of build.json, or null when there is no native part; `fix` is the command that brings it. */
  build: Record<string, unknown> | null;
  fix: string;
  /** Why the native part does not load, with what to do; null when it does. */
  problem: { message: string; hint: string | undefined } | null;
  gpu: GpuFacts;
  /** What the CUDA driver says; null where something that a GPU needs is missing, with what it is in `cudaProblem`. */
  cuda: NativeCudaInfo | null;
  cudaProblem: string | null;
  /** What was measured of the processor, and of each CUDA device; null before a model first ran there. */
  costs: { cpu: CostFile | null; cuda: (CostFile | null)[] };
  environment: ReturnType<typeof describeEnv>;
}

/** Never throws: what is broken is part of the answer. */
export async function describeNative(): Promise<NativeFacts> {
  const files = locateNativeFiles();
  const native = tryNative();
  const problem = native.problem === null ? cudaProblem() : null;
  const cuda = native.problem === null && problem === null ? cudaInfo() : null;
  return {
    cpu: { model: cpus()[0]?.model.trim() ?? 'unknown', threads: availableParallelism(), instructionSets: cpuFlags() },
    onnxRuntime: { path: files.onnxRuntime, version: native.version },
    kernels: { simd: native.simd, geometry: native.geometry },
    build: readBuildInfo(files.buildInfo),
    fix: files.fix.cpu,
    problem: native.problem,
    gpu: gpuFacts(),
    cuda,
    cudaProblem: problem?.message ?? null,
    costs: {
      cpu: native.problem === null ? await keptCosts(costKey({ device: 'cpu', deviceId: 0 })) : null,
      cuda: await Promise.all(
        (cuda?.devices ?? []).map(({ id }) => keptCosts(costKey({ device: 'cuda', deviceId: id }))),
      ),
    },
    environment: describeEnv(),
  };
}

function tryNative() {
  try {
    return { version: onnxRuntimeVersion(), simd: simdLevel(), geometry: kernelGeometry(64), problem: null };
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    return { version: null, simd: null, geometry: null, problem: { message, hint } };
  }
}

/** The instruction sets that matter to the kernels, as the processor reports them. */
function cpuFlags(): string[] {
  const wanted = ['avx2', 'fma', 'f16c', 'avx512f', 'avx512bw', 'avx512dq', 'avx512vl'];
  try {
    const flags =
      readFileSync('/proc/cpuinfo', 'utf8')
        .match(/^flags\s*:\s*(.*)$/m)?.[1]
        ?.split(' ') ?? [];
    return wanted.filter((flag) => flags.includes(flag));
  } catch {
    return [];
  }
}

function readBuildInfo(path: string): Record<string, unknown> | null {
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>) : null;
}
