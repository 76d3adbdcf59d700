import { join } from 'node:path';
import { packageRoot } from '../utils/package-root.js';

/** Name of the model that comes with this package. */
export const EMBEDDED_MODEL = 'needle-28m';

/** Folder of the embedded model, the same from src/ and dist/. */
export function embeddedModelFolder(): string {
  return join(packageRoot(), 'models', EMBEDDED_MODEL);
}
