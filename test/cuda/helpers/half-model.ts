import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type TensorProto } from 'onnx-buf';
import { buildDecoder } from '../../../models/builder/build-decoder.js';
import type { WeightSource } from '../../../models/builder/weights.js';
import { writeModelFile } from '../../../models/builder/write-model-file.js';
import { exportSpec } from '../../../models/needle-28m/export-spec.js';
import { embeddedModelFolder } from '../../../src/model/embedded.js';

const COPIED = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'generation_config.json'];
const BLOCK = 64;
const ZERO_POINT = 128;

/** Writes the embedded model with weights, activations and cache of another type: what GPUs run. */
export async function writeEmbeddedModel(folder: string, dtype: 'fp16' | 'fp32'): Promise<void> {
  const source = embeddedModelFolder();
  const config = JSON.parse(await readFile(join(source, 'config.json'), 'utf8'));
  const weights = await readWeights(join(source, 'onnx', 'model.onnx'), config);
  await mkdir(folder, { recursive: true });
  const built = buildDecoder({ ...exportSpec(config), dtype, weights });
  await writeModelFile(join(folder, 'onnx', 'model.onnx'), built);
  for (const file of COPIED) await copyFile(join(source, file), join(folder, file));
}

interface Config {
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
}

/** The shipped 8-bit blocks as float32, by Hugging Face's names. */
async function readWeights(path: string, config: Config): Promise<WeightSource> {
  const { graph } = fromBinary(ModelProtoSchema, await readFile(path));
  const data = await readFile(`${path}_data`);
  const tensors = new Map(graph!.initializer.map((tensor) => [tensor.name, tensor]));
  const bytes = (name: string): Uint8Array => {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`expected the initializer ${name}`);
    return tensorBytes(tensor, data);
  };
  // A copy: file offsets need not be multiples of 4.
  const floats = (name: string) => new Float32Array(new Uint8Array(bytes(name)).buffer);
  const matrix = (name: string): Float32Array => {
    const [scales, blocks] = [floats(`${name}_scales`), bytes(`${name}_Q8`)];
    const values = new Float32Array(blocks.length);
    for (let i = 0; i < values.length; i++) values[i] = (blocks[i]! - ZERO_POINT) * scales[Math.floor(i / BLOCK)]!;
    return values;
  };
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, head_dim: headDim } = config;
  const packed = [heads, kvHeads, kvHeads].map((count) => count * headDim);
  return {
    get(name) {
      if (name === 'model.embed_tokens.weight') return matrix('lm_head.MatMul.weight');
      if (name === 'model.norm.weight') {
        return floats(`model.layers.${config.num_hidden_layers}.final_norm_layernorm.weight`);
      }
      if (name.endsWith('layernorm.weight')) return floats(name);
      const [, layer, projection] = name.match(/^model\.layers\.(\d+)\.(\w+\.\w+)\.weight$/)!;
      const part = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'].indexOf(projection!);
      if (part < 0) return matrix(`model.layers.${layer}.${projection!.replace('self_attn', 'attn')}.MatMul.weight`);
      const all = matrix(`model.layers.${layer}.attn.qkv_proj.MatMul.weight`);
      const rows = packed.reduce((sum, count) => sum + count);
      const first = packed.slice(0, part).reduce((sum, count) => sum + count, 0);
      const width = all.length / rows;
      return all.slice(first * width, (first + packed[part]!) * width);
    },
  };
}

function tensorBytes(tensor: TensorProto, data: Uint8Array): Uint8Array {
  if (tensor.externalData.length === 0) return tensor.rawData;
  const entry = (key: string) => Number(tensor.externalData.find((one) => one.key === key)?.value ?? 0);
  return data.subarray(entry('offset'), entry('offset') + entry('length'));
}
