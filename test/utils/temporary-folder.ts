import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

function create(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'minference-test-'));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A new empty folder that goes when the current test ends. */
export function temporaryFolder(): string {
  const { folder, remove } = create();
  onTestFinished(remove);
  return folder;
}

/** A new empty folder for the tests of a file or describe block; call it outside of tests. */
export function sharedFolder(): string {
  const { folder, remove } = create();
  afterAll(remove);
  return folder;
}
