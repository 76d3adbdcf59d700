import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes files (text, bytes, or an object as JSON) to a temporary folder that goes away with the test. */
export function writeFolder(files: Record<string, string | Uint8Array | object>): string {
  const folder = mkdtempSync(join(tmpdir(), 'minference-model-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
    );
  }
  return folder;
}

/** A config.json as transformers writes it. */
export const llamaConfig = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 100,
  max_position_embeddings: 512,
  bos_token_id: 1,
  eos_token_id: [5, 2],
  pad_token_id: 0,
};

/** A genai_config.json as onnxruntime-genai's model builder writes it. */
export const genaiConfig = {
  model: {
    bos_token_id: 1,
    context_length: 2048,
    decoder: {
      session_options: { log_id: 'onnxruntime-genai', provider_options: [] },
      filename: 'model.onnx',
      head_size: 16,
      hidden_size: 64,
      inputs: {
        input_ids: 'input_ids',
        attention_mask: 'attention_mask',
        past_key_names: 'past_key_values.%d.key',
        past_value_names: 'past_key_values.%d.value',
      },
      outputs: {
        logits: 'logits',
        present_key_names: 'present.%d.key',
        present_value_names: 'present.%d.value',
      },
      num_attention_heads: 4,
      num_hidden_layers: 2,
      num_key_value_heads: 2,
    },
    eos_token_id: 2,
    pad_token_id: 0,
    type: 'llama',
    vocab_size: 100,
  },
  search: { max_length: 2048, past_present_share_buffer: true },
};

/** A byte-level tokenizer of the bytes a–z and space, with a few merges and special tokens. */
export function byteTokenizer(): object {
  const letters = [...'abcdefghijklmnopqrstuvwxyz', 'Ġ', 'Ã', '©', 'Ċ'];
  const merges = [
    ['t', 'h'],
    ['th', 'e'],
    ['Ġ', 'the'],
  ];
  const tokens = ['<pad>', '<s>', '</s>', ...letters, 'th', 'the', 'Ġthe'];
  return {
    version: '1.0',
    added_tokens: ['<pad>', '<s>', '</s>'].map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: true },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges: merges.map((pair) => pair.join(' ')),
    },
  };
}
