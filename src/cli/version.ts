import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../utils/package-root.js';

/** Version of this package. */
export function toolVersion(): string {
  return (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;
}
