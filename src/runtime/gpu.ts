import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cudaProvider, locateNativeFiles } from './locate.js';
import { missingLibraries } from './shared-libraries.js';

export interface GpuCheck {
  what: 'driver' | 'CUDA execution provider' | 'CUDA libraries' | 'CUDA ops';
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

/** What a CUDA run needs, and whether it is there. Reads files and asks the loader: nothing is loaded. */
export function gpuFacts(): GpuFacts {
  const files = locateNativeFiles();
  const driverVersion = findDriverVersion();
  const hasDevice = existsSync('/dev/nvidiactl') || existsSync('/dev/nvidia0') || existsSync('/dev/dxg');
  const provider = cudaProvider(files);
  const devices = buildDevices(files.buildInfo);
  const checks: GpuCheck[] = [
    {
      what: 'driver',
      ok: hasDevice,
      found: describeDriver(driverVersion, hasDevice),
      fix: 'install an NVIDIA driver for CUDA 13 (580 or newer); in a container, pass the GPU through',
    },
    {
      what: 'CUDA execution provider',
      ok: existsSync(provider),
      found: existsSync(provider) ? provider : 'no libonnxruntime_providers_cuda.so beside ONNX Runtime',
      fix: files.fix.cuda,
    },
    ...(existsSync(provider) ? [describeLibraries(missingLibraries(provider))] : []),
    {
      what: 'CUDA ops',
      ok: devices.includes('cuda'),
      found: devices.includes('cuda') ? 'built with CUDA ops' : 'the op library is built for the CPU only',
      fix: files.fix.cuda,
    },
  ];
  return { gpus: listGpus(), driverVersion, checks, usable: checks.every((check) => check.ok) };
}

/** What the provider is linked against: CUDA's libraries, cuDNN and the driver's. */
function describeLibraries(missing: readonly string[]): GpuCheck {
  return {
    what: 'CUDA libraries',
    ok: missing.length === 0,
    found: missing.length === 0 ? 'all there' : `no ${missing.join(', no ')}, which ONNX Runtime’s CUDA provider needs`,
    fix: `install ${packagesOf(missing).join(' and ') || 'CUDA 13 and cuDNN 9'} where the loader looks (ldconfig, LD_LIBRARY_PATH)`,
  };
}

function packagesOf(libraries: readonly string[]): string[] {
  const owner = (name: string) => {
    if (name.startsWith('libcudnn')) return 'cuDNN 9 for CUDA 13';
    return name.startsWith('libcuda.') ? 'the NVIDIA driver' : 'the libraries of CUDA 13';
  };
  return [...new Set(libraries.map(owner))];
}

/** Virtual machines and sandboxes may lack the files in /proc although there is a device. */
function findDriverVersion(): string | null {
  const kernelModule = readText('/proc/driver/nvidia/version')?.match(/Kernel Module\s+(?:for \S+\s+)?([\d.]+)/)?.[1];
  return kernelModule ?? (readText('/sys/module/nvidia/version')?.trim() || null);
}

function describeDriver(version: string | null, hasDevice: boolean): string {
  if (!hasDevice) return version === null ? 'no NVIDIA driver' : `NVIDIA driver ${version}, but no device of it`;
  return `NVIDIA driver ${version ?? 'of unknown version'}`;
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
