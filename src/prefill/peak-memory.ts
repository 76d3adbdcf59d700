import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Largest resident memory of this process in bytes, since its start or the last {@link resetPeakMemory}. Weights, KV
 * cache, activations and Node itself are all in it.
 */
export function peakMemoryBytes(): number {
  try {
    const kibibytes = readFileSync('/proc/self/status', 'utf8').match(/^VmHWM:\s+(\d+) kB/m)?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // No procfs: the figure of getrusage is the next best.
  }
  return process.resourceUsage().maxRSS * 1024;
}

/** Starts a new peak, where the kernel allows it; elsewhere the peak stays the one since the process began. */
export function resetPeakMemory(): void {
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // Read-only or missing procfs.
  }
}
