import { parseArgs } from 'node:util';
import { DEFAULT_LAYER, REAL_PROMPTS, type RealPrompt, writeRealOperands } from './real-operands.js';

const usage = `node dist/kernels/bench/write-operands.js --out FOLDER [--prompts real-16k,real-32k] [--layer N]

Writes the embedded model's queries, keys and values of one layer (default ${DEFAULT_LAYER}), <prompt>.qkv each, and prints the
options that give them and the layer's shipped patterns to minference_bench; gpu-baseline.py takes the --operands ones.
For machines that have a GPU but no Node.js: npm run bench:gpu does the same by itself.`;

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    prompts: { type: 'string', default: 'real-16k' },
    layer: { type: 'string', default: String(DEFAULT_LAYER) },
    help: { type: 'boolean', default: false },
  },
});

const isPrompt = (name: string): name is RealPrompt => Object.hasOwn(REAL_PROMPTS, name);

async function main(folder: string): Promise<void> {
  const prompts = values.prompts.split(',').map((name) => {
    if (isPrompt(name)) return name;
    throw new Error(`expected prompts among ${Object.keys(REAL_PROMPTS).join(', ')}, found ${name}`);
  });
  const { files, patterns } = await writeRealOperands(folder, {
    prompts,
    layer: Number(values.layer),
    log: console.error,
  });
  console.log([...files.map((file) => `--operands ${file}`), `--patterns ${patterns}`].join(' '));
}

if (values.help) console.log(usage);
else if (values.out === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await main(values.out).catch((error: Error) => {
    console.error(`write-operands: ${error.message}`);
    process.exitCode = 1;
  });
}
