import type { CostFile } from '../../../runtime/costs/cost-file.js';
import type { NativeFacts } from '../../../runtime/describe-native.js';
import { defined } from '../../../utils/defined.js';
import { formatBytes, formatQuantity } from '../../../utils/format.js';
import type { Fact, Section } from '../../render/sections.js';

/** The fields of build.json that people ask for; absent ones are left out. */
function describeBuild(build: NonNullable<NativeFacts['build']>): string {
  const { version, buildType, compiler, builtAt, commit, devices } = build;
  const parts = [
    version && `version ${version}`,
    buildType,
    Array.isArray(devices) && `for ${devices.join(' and ')}`,
    compiler,
    typeof builtAt === 'string' && builtAt.slice(0, 10),
    typeof commit === 'string' && commit.slice(0, 8),
  ];
  return parts.filter(Boolean).join(', ');
}

function nativeFacts({ onnxRuntime, kernels, build, fix, problem }: NativeFacts): Fact[] {
  const facts: Fact[] = [
    build
      ? { title: 'native build', value: describeBuild(build), ok: true }
      : { title: 'native build', value: 'none', ok: false, fix },
  ];
  if (problem) {
    facts.push({
      title: 'loads',
      value: problem.message,
      ok: false,
      ...defined({ fix: problem.hint }),
    });
  }
  facts.push({
    title: 'ONNX Runtime',
    value: `${onnxRuntime.version ?? 'not loaded'} (${onnxRuntime.path})`,
    ok: onnxRuntime.version !== null,
  });
  if (kernels.geometry) {
    const { blockM, blockN, keyAlign } = kernels.geometry;
    facts.push({
      title: 'CPU kernels',
      value: `${kernels.simd}, tiles of ${blockM} queries × ${blockN} keys, ranges in steps of ${keyAlign}`,
      ok: true,
    });
  }
  return facts;
}

/** The CUDA devices, as their driver describes them. */
function cudaFacts({ cuda, cudaProblem, costs, gpu, build }: NativeFacts): Fact[] {
  if (cuda === null) {
    const told = cudaProblem === null || !gpu.usable;
    return told ? [] : [{ title: 'CUDA', value: cudaProblem, ok: false, fix: 'check nvidia-smi' }];
  }
  const version = (number: number) => `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;
  const kernels = build?.cuda as { archs?: string[] } | null | undefined;
  return [
    ...cuda.devices.flatMap(({ id, name, computeCapability, totalBytes }, index) => [
      {
        title: `device ${id}`,
        value: `${name}, compute capability ${computeCapability}, ${formatBytes(totalBytes)}`,
        ok: true,
      },
      { title: 'crossover', value: describeCosts(costs.cuda[index] ?? null) },
    ]),
    {
      title: 'CUDA',
      value: `driver for ${version(cuda.driverVersion)}, kernels built with ${version(cuda.runtimeVersion)}`,
    },
    ...(kernels?.archs ? [{ title: 'CUDA kernels', value: kernels.archs.join(', ') }] : []),
    { title: 'float32 models', value: FLOAT32_ON_CUDA },
  ];
}

/** One policy for the whole graph: operands of 10 bits, as ONNX Runtime has it by default. */
const FLOAT32_ON_CUDA =
  'operands are rounded to 10 bits (matrix products: TF32, attention: float16 within ±65,504), sums are float32';

/** From which length on the op computes sparse attention, as measured on the device. */
function describeCosts(file: CostFile | null): string {
  if (file === null) return 'not measured yet: when a model is first loaded here';
  const { least_context, sparse_tile } = file.costs;
  return (
    `sparse from ${formatQuantity(least_context, 'token')} on, a sparse tile costs ${sparse_tile.toFixed(2)} dense ones ` +
    `(measured ${file.measured.slice(0, 10)})`
  );
}

/** What this machine can do, as sections for people. */
export function describeMachine(versions: { tool: string; node: string }, native: NativeFacts): Section[] {
  const { cpu, gpu, cudaProblem, environment } = native;
  return [
    {
      title: 'Versions',
      facts: [
        { title: 'minference', value: versions.tool },
        { title: 'Node.js', value: versions.node },
        ...nativeFacts(native),
      ],
    },
    {
      title: 'Processor',
      facts: [
        { title: 'model', value: cpu.model },
        { title: 'threads', value: formatQuantity(cpu.threads, 'thread') },
        { title: 'instructions', value: cpu.instructionSets.join(' ') || 'none that the kernels use' },
        { title: 'crossover', value: describeCosts(native.costs.cpu) },
      ],
    },
    {
      title: `GPU: ${gpu.usable && cudaProblem === null ? gpu.gpus.join(', ') || 'usable' : 'not usable, --device cpu is used'}`,
      facts: [
        ...gpu.checks.map(({ what, ok, found, fix }) => ({ title: what, value: found, ok, fix })),
        ...cudaFacts(native),
      ],
    },
    {
      title: 'Environment',
      facts: environment.map(({ name, value, meaning }) => ({ title: name, value: value ?? `not set (${meaning})` })),
    },
  ];
}
