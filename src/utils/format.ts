import prettyBytes from 'pretty-bytes';
import prettyMilliseconds from 'pretty-ms';

/** How numbers are written for people. Everything here returns plain text without colour. */

const NOTHING = '–';
const pad = (value: number) => String(value).padStart(2, '0');

/** '8.4ms', '840ms', '3.2s', '1m 5s', '2h 7m'. */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return NOTHING;
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  return prettyMilliseconds(Math.round(ms / 1000) * 1000, { unitCount: 2 });
}

/** A running clock: '0:07', '12:34', '1:02:03'. */
export function formatClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}` : `${minutes}:${pad(seconds % 60)}`;
}

/** Binary units: '512 B', '31.9 MiB', '1.5 GiB'. */
export function formatBytes(bytes: number): string {
  return Number.isFinite(bytes) && bytes >= 0 ? prettyBytes(bytes, { binary: true }) : NOTHING;
}

/** A share as percent with a fixed number of decimals, so that columns align: 0.2 → '20.0 %'. */
export function formatPercent(share: number, decimals = 1): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(decimals)} %` : NOTHING;
}

/** Whole numbers with thousands separators: 16384 → '16,384'. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : NOTHING;
}

/** Tokens per second: '4,893 tokens/s', '2.3 tokens/s'. */
export function formatRate(tokensPerSecond: number): string {
  if (!Number.isFinite(tokensPerSecond)) return NOTHING;
  return `${tokensPerSecond < 99.95 ? tokensPerSecond.toFixed(1) : formatCount(tokensPerSecond)} tokens/s`;
}

/** Singular or plural of a unit given as either: (1, 'layers') → '1 layer', (8, 'layer') → '8 layers'. */
export function formatQuantity(value: number, unit: string): string {
  const singular = unit.replace(/s$/, '');
  return `${formatCount(value)} ${value === 1 ? singular : `${singular}s`}`;
}
