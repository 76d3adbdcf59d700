import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildDecoder } from '../builder/build-decoder.js';
import { writeModelFile } from '../builder/write-model-file.js';
import { readSafetensors } from '../safetensors.js';
import { type ExportOptions, exportSpec } from './export-spec.js';

/** Files that go into the model folder as they are. */
const COPIED = ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];

/**
 * Makes the embedded model's folder out of its float16 weights:
 *
 *     npx tsc -p models && node dist/models/needle-28m/build.js <folder of model.safetensors> [models/needle-28m]
 */
async function build(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      dtype: { type: 'string' },
      'block-size': { type: 'string' },
      'accuracy-level': { type: 'string' },
      asymmetric: { type: 'boolean' },
      unpack: { type: 'string' },
    },
  });
  const [source, target = 'models/needle-28m'] = positionals;
  if (source === undefined) throw new Error('expected the folder of model.safetensors and config.json');
  const config = JSON.parse(await readFile(join(source, 'config.json'), 'utf8'));
  const weights = await readSafetensors(join(source, 'model.safetensors'));
  const options: ExportOptions = {
    ...(values.dtype ? { dtype: values.dtype as ExportOptions['dtype'] & string } : {}),
    ...(values['block-size'] ? { blockSize: Number(values['block-size']) } : {}),
    ...(values['accuracy-level'] ? { accuracyLevel: Number(values['accuracy-level']) as 0 | 1 | 4 } : {}),
    ...(values.unpack ? { unpack: values.unpack as 'kernel' | 'load' } : {}),
    ...(values.asymmetric ? { symmetric: false } : {}),
  };
  const modelPath = join(target, 'onnx', 'model.onnx');
  await mkdir(dirname(modelPath), { recursive: true });
  await writeModelFile(modelPath, buildDecoder({ ...exportSpec(config, options), weights }));
  for (const file of COPIED) await writeFile(join(target, file), await readFile(join(source, file)));
  // transformers.js asks for external data only when the config says so.
  const shipped = { ...config, 'transformers.js_config': { use_external_data_format: true } };
  await writeFile(join(target, 'config.json'), `${JSON.stringify(shipped, null, 2)}\n`);
  await writeSums(target);
}

/** SHA256SUMS of everything that a user of the model loads, as `sha256sum -c` reads it. */
async function writeSums(folder: string): Promise<void> {
  const files = ['config.json', ...COPIED, 'onnx/model.onnx', 'onnx/model.onnx_data'];
  const lines = await Promise.all(
    files.map(async (file) => {
      const hash = createHash('sha256').update(await readFile(join(folder, file)));
      return `${hash.digest('hex')}  ${file}\n`;
    }),
  );
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
}

await build();
