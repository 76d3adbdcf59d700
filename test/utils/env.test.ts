import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { describeEnv, ENV_VARIABLES, readEnv } from '../../src/utils/env.js';
import { packageRoot } from '../../src/utils/package-root.js';

afterEach(() => vi.unstubAllEnvs());

const read = (path: string) => readFileSync(join(packageRoot(), path), 'utf8');

describe('environment variables', () => {
  it('are read in one module', () => {
    const sources = ['src', 'search'].flatMap((folder) =>
      (readdirSync(join(packageRoot(), folder), { recursive: true }) as string[]).map((name) => join(folder, name)),
    );
    const readers = sources.filter((path) => /\.tsx?$/.test(path) && read(path).includes('process.env'));
    expect(readers).toEqual(['src/utils/env.ts']);
  });

  it('are listed in the README as they are described here', () => {
    const rows = [...read('README.md').matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map(([, name, text]) => [name, text]);
    expect(Object.fromEntries(rows)).toEqual(ENV_VARIABLES);
  });

  it('count as unset when they are empty, and tokens are not shown', () => {
    vi.stubEnv('HF_TOKEN', 'secret');
    vi.stubEnv('HF_ENDPOINT', '');
    expect(readEnv('HF_TOKEN')).toBe('secret');
    expect(readEnv('HF_ENDPOINT')).toBeUndefined();
    const shown = Object.fromEntries(describeEnv().map(({ name, value }) => [name, value]));
    expect(shown).toMatchObject({ HF_TOKEN: 'set', HF_ENDPOINT: null });
  });
});
