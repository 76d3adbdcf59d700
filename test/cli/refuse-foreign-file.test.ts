import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { refuseForeignFile } from '../../src/cli/refuse-foreign-file.js';
import { temporaryFolder } from '../utils/temporary-folder.js';

it('lets new files, earlier results and empty files be written', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'old.json'), '{\n  "schema": "minference.patterns/1"');
  writeFileSync(join(folder, 'empty'), '');
  for (const path of ['new.json', 'old.json', 'empty', '.']) {
    await expect(refuseForeignFile(join(folder, path)), path).resolves.toBeUndefined();
  }
});

it('wants a place that can have other files beside it', async () => {
  await expect(refuseForeignFile('/dev/null')).rejects.toMatchObject({ code: 'USAGE' });
});

it('protects any other file', async () => {
  const path = join(temporaryFolder(), 'package.json');
  writeFileSync(path, '{ "name": "minference" }');
  await expect(refuseForeignFile(path)).rejects.toMatchObject({
    code: 'USAGE',
    message: `--out: expected a new file or an earlier result, found another file at ${path}`,
  });
});

it('knows files that have no room for a schema by their first line', async () => {
  const path = join(temporaryFolder(), 'report.csv');
  writeFileSync(path, 'length,task,score\r\n1024,vt,100\r\n');
  await expect(refuseForeignFile(path, 'length,task,score')).resolves.toBeUndefined();
  await expect(refuseForeignFile(path, 'length,task')).rejects.toMatchObject({ code: 'USAGE' });
  await expect(refuseForeignFile(path)).rejects.toMatchObject({ code: 'USAGE' });
});
