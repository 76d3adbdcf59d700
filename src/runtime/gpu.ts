import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { locateNativeFiles } from './locate.js';

export interface GpuCheck {
  what: 'driver' | 'CUDA execution provider' | 'CUDA ops';
  ok: boolean;
  found: string;
  /** What to do when it is not ok. */
  fix: string;
}

export interface GpuFacts {
  /** Names as the driver reports them. */
  gpus: string[];
  driverVersion: string | null;
  checks: GpuCheck[];
  /** Everything that `--device cuda` needs is there. */
  usable: boolean;
}

/** What a CUDA run needs, and whether it is there. Reads files only: nothing is loaded. */
export function gpuFacts(): GpuFacts {
  const files = locateNativeFiles();
  const driverVersion =
    readText('/proc/driver/nvidia/version')?.match(/Kernel Module\s+(?:for \S+\s+)?([\d.]+)/)?.[1] ?? null;
  const provider = join(dirname(files.onnxRuntime), 'libonnxruntime_providers_cuda.so');
  const devices = buildDevices(files.buildInfo);
  const checks: GpuCheck[] = [
    {
      what: 'driver',
      ok: driverVersion !== null,
      found: driverVersion === null ? 'no NVIDIA driver' : `NVIDIA driver ${driverVersion}`,
      fix: 'install an NVIDIA driver for CUDA 13 (580 or newer)',
    },
    {
      what: 'CUDA execution provider',
      ok: existsSync(provider),
      found: existsSync(provider) ? provider : 'no libonnxruntime_providers_cuda.so beside ONNX Runtime',
      fix: `put the CUDA 13 provider of ONNX Runtime 1.29 into ${dirname(provider)}`,
    },
    {
      what: 'CUDA ops',
      ok: devices.includes('cuda'),
      found: devices.includes('cuda') ? 'built with CUDA ops' : 'the op library is built for the CPU only',
      fix: 'use --device cpu: this version has CPU ops only',
    },
  ];
  return { gpus: listGpus(), driverVersion, checks, usable: checks.every((check) => check.ok) };
}

function listGpus(): string[] {
  const folder = '/proc/driver/nvidia/gpus';
  try {
    return readdirSync(folder).map(
      (name) =>
        readText(join(folder, name, 'information'))
          ?.match(/Model:\s*(.+)/)?.[1]
          ?.trim() ?? name,
    );
  } catch {
    return [];
  }
}

function buildDevices(buildInfo: string): string[] {
  try {
    return (JSON.parse(readFileSync(buildInfo, 'utf8')) as { devices?: string[] }).devices ?? [];
  } catch {
    return [];
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
