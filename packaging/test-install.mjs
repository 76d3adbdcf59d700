// `npm run test:install [-- --all-nodes] [--device cuda] [--keep]`: tries the packages with the Node.js that runs this, or with
// all that are supported; then the op tests run under each of them too.
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchNode, fetchNpm, NODE_VERSIONS, npmBeside } from './node-versions.mjs';
import { root, run } from './tools.mjs';
import { tryInstall } from './try-install.mjs';

/** What depends on Node's side of the native addon: tensors, sessions, runs, the ops. */
const OP_TESTS = ['definition', 'probe', 'validation', 'sparse-index'].map((name) => `test/kernels/${name}.test.ts`);
const RUNTIME_TESTS = ['session', 'tensor', 'runs', 'memory'].map((name) => `test/runtime/${name}.test.ts`);

const { values } = parseArgs({
  options: {
    'all-nodes': { type: 'boolean', default: false },
    device: { type: 'string', default: 'cpu' },
    keep: { type: 'boolean', default: false },
  },
});

const here = { node: process.execPath, npm: npmBeside(process.env.PATH.split(delimiter)) };
const machines = values['all-nodes']
  ? NODE_VERSIONS.map((version) => ({ node: fetchNode(version), npm: fetchNpm(version) }))
  : [here];
for (const machine of machines) {
  tryInstall({ ...machine, device: values.device, keep: values.keep });
  if (!values['all-nodes']) continue;
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  run(machine.node, [vitest, 'run', '--project', 'cpu', ...OP_TESTS, ...RUNTIME_TESTS], { cwd: root });
}
console.log(`${machines.length} passed, 0 failed`);
