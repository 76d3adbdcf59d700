import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { resolveModel } from '../../src/model/directory.js';
import { fingerprintModel } from '../../src/onnx/fingerprint.js';
import { readOnnxModel } from '../../src/onnx/model-file.js';

/** From dist/models/needle-28m, where this runs. */
const FILE = fileURLToPath(new URL('../../../configs/needle-28m.json', import.meta.url));

/** Writes the embedded model's fingerprint into its pattern file and leaves all else, layout included, as it is. */
const directory = await resolveModel(undefined);
const fingerprint = fingerprintModel(await readOnnxModel(directory.modelPath), directory.configText);
const text = await readFile(FILE, 'utf8');
await writeFile(FILE, text.replace(/("fingerprint": ")[0-9a-f]{64}"/, `$1${fingerprint}"`));
console.log(fingerprint);
