// Which folders of kernels/ may include which: imports go one way. Used by lint.mjs.
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** What the sources of a folder may include besides their own folder and its subfolders without an entry. */
const ALLOWED = {
  include: [],
  shared: ['include'],
  cpu: ['include', 'shared'],
  'cpu/reference': ['include', 'shared', 'cpu'],
  'cpu/simd': ['include', 'cpu'],
  'cpu/operands': ['include', 'cpu', 'cpu/simd'],
  'cpu/index': ['include', 'shared', 'cpu', 'cpu/simd', 'cpu/operands'],
  'cpu/optimized': ['include', 'shared', 'cpu', 'cpu/simd', 'cpu/operands', 'cpu/index'],
  rivals: ['include', 'shared', 'cpu', 'cpu/simd', 'cpu/operands', 'cpu/index'],
  cuda: ['include', 'shared'],
  'cuda/check': ['include', 'shared', 'cuda', 'cpu', 'cpu/reference'],
  'cuda/bench': ['include', 'shared', 'cuda', 'cpu', 'cpu/reference'],
  'cuda/emulate': ['include', 'shared', 'cuda', 'cuda/check', 'cpu', 'cpu/reference'],
  ops: ['include', 'rivals', 'cuda'],
  addon: ['include'],
};

/** Headers from elsewhere that only some folders may know. */
const FOREIGN = [
  { header: /^onnxruntime/, allowed: ['ops', 'addon'] },
  { header: /^(napi|node_api)/, allowed: ['addon'] },
];

/** Include paths of the builds, besides the folder of the file itself. */
const SEARCHED = ['include', '.', 'cuda', 'cuda/emulate'];

/** The entry of {@link ALLOWED} that a file belongs to: its nearest folder. */
function folderOf(file) {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) if (folder in ALLOWED) return folder;
  return undefined;
}

/** Where an include leads, relative to kernels/; undefined outside of it. */
function resolve(kernels, file, header) {
  return [dirname(file), ...SEARCHED]
    .map((folder) => normalize(join(folder, header)))
    .find((path) => !path.startsWith('..') && existsSync(join(kernels, path)));
}

/**
 * Includes that go the wrong way, as messages with file and line.
 *
 * @param kernels the folder `kernels`
 * @param file relative to it
 */
export function brokenArrows(kernels, file, text) {
  const from = folderOf(file);
  const problems = [];
  for (const [index, line] of text.split('\n').entries()) {
    const header = line.match(/^\s*#\s*include\s*[<"]([^>"]+)[>"]/)?.[1];
    if (header === undefined) continue;
    const where = `kernels/${file}:${index + 1}: ${header}`;
    const foreign = FOREIGN.find((one) => one.header.test(header));
    if (foreign && !foreign.allowed.includes(file.split('/')[0])) {
      problems.push(`${where} may be included only in kernels/${foreign.allowed.join(' and kernels/')}`);
    }
    const path = foreign ? undefined : resolve(kernels, file, header);
    const to = path && folderOf(path);
    if (to === undefined || from === undefined || to === from || ALLOWED[from].includes(to)) continue;
    problems.push(`${where} leads from kernels/${from} to kernels/${to}, which it may not know`);
  }
  return problems;
}
