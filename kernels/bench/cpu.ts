import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { benchAttention } from './attention.js';
import { benchPrefill } from './prefill.js';

const usage = `npm run bench:cpu -- [--only attention|prefill] [--lengths 2048,8192] [--json]

Times our CPU attention and the whole prefill of the embedded model against ONNX Runtime in the same run.
Ratios are what to read: absolute figures differ between machines. Results go to stdout, progress to stderr.`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    lengths: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  console.log(usage);
  process.exit(0);
}

const log = (line: string) => (values.json ? console.error(line) : console.log(line));
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
log(`${machine.cores} × ${machine.cpu}, Node ${machine.node}`);

const lengths = values.lengths ? { lengths: values.lengths.split(',').map(Number) } : {};
const attention = values.only === 'prefill' ? null : await benchAttention({ ...lengths, log });
const prefill = values.only === 'attention' ? null : await benchPrefill({ ...lengths, log });
if (values.json) console.log(JSON.stringify({ machine, attention, prefill }, null, 2));
