import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeNative } from '../../src/runtime/describe-native.js';
import { cudaProblem } from '../../src/runtime/device.js';
import { gpuFacts } from '../../src/runtime/gpu.js';
import { locateNativeFiles } from '../../src/runtime/locate.js';
import { packageRoot } from '../../src/utils/package-root.js';
import { benchOnnxRuntime } from './gpu-ort.js';
import type { GpuRow } from './gpu-row.js';
import { formatTable } from './gpu-table.js';
import { judgeTargets } from './gpu-targets.js';
import {
  DEFAULT_LAYER,
  type RealOperands,
  type RealPrompt,
  realPromptsFor,
  writeRealOperands,
} from './real-operands.js';

const usage = `npm run bench:gpu -- [--only REGEX] [--parts native,torch,ort] [--quick] [--fp16] [--runs N] [--layer N] [--out FILE]

Times the CUDA kernels (minference_bench), PyTorch's attention (cuDNN, FlashAttention) and ONNX Runtime's
GroupQueryAttention on one GPU in one run, and compares them. Rows are named what-length/part; --only selects among them.
Rows real-… are attention of one layer (--layer) of the embedded model on prompts, in float16, with its shipped patterns.
--quick: nothing beyond 128K tokens. --out: kernels/bench/results/gpu-<device>.json.`;

const PARTS = ['native', 'torch', 'ort'] as const;
type Part = (typeof PARTS)[number];
type Report = Record<string, unknown> & { rows: GpuRow[] };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    parts: { type: 'string', default: PARTS.join(',') },
    quick: { type: 'boolean', default: false },
    fp16: { type: 'boolean', default: false },
    runs: { type: 'string', default: '7' },
    layer: { type: 'string', default: String(DEFAULT_LAYER) },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const benchFolder = join(packageRoot(), 'kernels', 'bench');
const nativeBench = join(dirname(locateNativeFiles().ops), 'minference_bench');

/** Writes what the rows real-… are measured on; null when there is none, after saying why. */
async function makeRealOperands(folder: string, prompts: readonly RealPrompt[]): Promise<RealOperands | null> {
  if (prompts.length === 0) return null;
  console.log('operands');
  try {
    return await writeRealOperands(folder, { prompts, layer: Number(values.layer), log: console.log });
  } catch (error) {
    console.log(`no real-… rows: ${(error as Error).message}`);
    process.exitCode = 1;
    return null;
  }
}

/** Runs a program that writes a report; null when it cannot run or does not write one. */
function runProgram(command: string, args: readonly string[]): Report | null {
  const folder = mkdtempSync(join(tmpdir(), 'minference-bench-'));
  const json = join(folder, 'report.json');
  const shared = ['--json', json, '--runs', values.runs, ...(values.only ? ['--only', values.only] : [])];
  const flags = [...(values.quick ? ['--quick'] : []), ...(values.fp16 ? ['--fp16'] : [])];
  try {
    const { status, error } = spawnSync(command, [...args, ...shared, ...flags], { stdio: 'inherit' });
    if (error) console.log(`skipped: ${error.message}`);
    else if (status !== 0) console.log(`${command} ended with status ${status}`);
    return existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as Report) : null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const runs: Record<Part, (real: RealOperands | null) => Promise<Report | null>> = {
  native: async (real) => {
    const given = real ? [...operandOptions(real), '--patterns', real.patterns] : [];
    if (existsSync(nativeBench)) return runProgram(nativeBench, given);
    console.log(`skipped: no ${nativeBench}; npm run build:kernels builds it where there is nvcc`);
    return null;
  },
  torch: async (real) =>
    runProgram('python3', [join(benchFolder, 'gpu-baseline.py'), ...(real ? operandOptions(real) : [])]),
  ort: async () => {
    const problem = cudaProblem();
    if (problem !== null) {
      console.log(`skipped: ${problem.message}`);
      return null;
    }
    const only = new RegExp(values.only);
    return { rows: await benchOnnxRuntime({ only, runs: Number(values.runs), log: console.log }) };
  },
};

const operandOptions = ({ files }: RealOperands) => files.flatMap((file) => ['--operands', file]);

async function main(): Promise<void> {
  const driver = gpuFacts().checks.find(({ what }) => what === 'driver')!;
  if (!driver.ok) {
    console.log(`skipped: no device (${driver.found})`);
    return;
  }
  const wanted = new Set(values.parts.split(','));
  const reports: Partial<Record<Part, Report | null>> = {};
  const folder = mkdtempSync(join(tmpdir(), 'minference-operands-'));
  try {
    const takesOperands = wanted.has('native') || wanted.has('torch');
    const real = await makeRealOperands(folder, takesOperands ? realPromptsFor(new RegExp(values.only)) : []);
    for (const part of PARTS.filter((name) => wanted.has(name))) {
      console.log(`\n${part}`);
      reports[part] = await runs[part](real);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const rows = PARTS.flatMap((part) => reports[part]?.rows ?? []);
  const targets = judgeTargets(new Map(rows.map((row) => [row.id, row])));
  const text = (reached: boolean | null) => (reached === null ? '' : reached ? 'yes' : 'NO');
  const lines = targets.map((t) => [t.what, t.target, t.measured ?? 'not measured', text(t.reached)]);
  console.log(`\n${formatTable(['what', 'target', 'measured', 'reached'], lines)}`);
  if (rows.length === 0) return;
  const file = values.out ?? join(benchFolder, 'results', `gpu-${slug(gpuName(reports))}.json`);
  mkdirSync(dirname(file), { recursive: true });
  const result = { ...(await describeRun(reports)), targets, rows };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.log(`\nwritten: ${file}`);
}

const gpuName = (reports: Partial<Record<Part, Report | null>>) =>
  String(reports.native?.gpu ?? reports.torch?.gpu ?? gpuFacts().gpus[0] ?? 'unknown');

const slug = (name: string) =>
  name
    .replace(/^NVIDIA /, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');

/** What the numbers depend on. */
async function describeRun(reports: Partial<Record<Part, Report | null>>): Promise<Record<string, unknown>> {
  const { build, onnxRuntime, gpu } = await describeNative();
  const git = spawnSync('git', ['-C', packageRoot(), 'rev-parse', 'HEAD'], { encoding: 'utf8' });
  return {
    gpu: gpuName(reports),
    driver: gpu.driverVersion,
    cuda: { runtime: reports.native?.cudaRuntime ?? null, driver: reports.native?.cudaDriver ?? null },
    dtype: reports.native?.dtype ?? (values.fp16 ? 'float16' : 'bfloat16'),
    versions: {
      node: process.version,
      onnxRuntime: onnxRuntime.version,
      torch: reports.torch?.torch ?? null,
      cudnn: reports.torch?.cudnn ?? null,
    },
    // Of the native part, which is what was timed.
    commit: build?.commit ?? (git.stdout?.trim() || null),
    date: new Date().toISOString(),
  };
}

if (values.help) console.log(usage);
else await main();
