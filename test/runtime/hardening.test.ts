import { readFile } from 'node:fs/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { locateNativeFiles } from '../../src/runtime/locate.js';

const { addon, ops, buildInfo } = locateNativeFiles();

/** What binutils, which every compiler brings, reads in the file. */
const readelf = async (option: string, path: string) => (await execa('readelf', ['--wide', option, path])).stdout;

describe.each([
  ['the addon', addon],
  ['the op library', ops],
])('%s, which reads tensors of unknown origin,', (_, path) => {
  test('makes its tables of addresses read-only before anything runs', async () => {
    expect(await readelf('--segments', path)).toMatch(/^ +GNU_RELRO /m);
    expect(await readelf('--dynamic', path)).toMatch(/\(FLAGS_1\) .*\bNOW\b/);
  });

  test('has no executable stack', async () => {
    expect(await readelf('--segments', path)).toMatch(/^ +GNU_STACK( +0x\w+){5} RW +0x/m);
  });

  test('checks its stack', async () => {
    expect(await readelf('--dyn-syms', path)).toMatch(/UND __stack_chk_fail@/);
  });
});

test('copies into memory of known size are checked', async () => {
  const { flags } = JSON.parse(await readFile(buildInfo, 'utf8')) as { flags: string };
  expect(flags).toContain('-D_FORTIFY_SOURCE=2');
  // The addon calls nothing that there is a checked form of.
  expect(await readelf('--dyn-syms', ops)).toMatch(/UND __(?!stack)\w+_chk@/);
});
