/** Special tokens of the tiny tokenizer, ids 0 to 5. */
const TINY_SPECIAL_TOKENS = ['<|pad|>', '<|bos|>', '<|eos|>', '<|user|>', '<|assistant|>', '<|end|>'] as const;

/** Entries of the tiny tokenizer: the special tokens and one token per byte. */
export const TINY_VOCAB_SIZE = TINY_SPECIAL_TOKENS.length + 256;

const CHAT_TEMPLATE =
  "{{ '<|bos|>' }}{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}";

/** GPT-2's printable stand-ins for bytes: bytes that print stand for themselves, the others follow from U+0100 on. */
function byteCharacters(): string[] {
  const prints = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff);
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(prints(byte) ? byte : next++));
}

/** tokenizer.json, tokenizer_config.json and the chat template of a tokenizer that knows bytes only. */
export function tinyTokenizer(): { tokenizer: object; config: object; chatTemplate: string } {
  const special = (content: string, id: number) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const addedTokens = TINY_SPECIAL_TOKENS.map(special);
  const vocabulary = [...TINY_SPECIAL_TOKENS, ...byteCharacters()];
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens,
      normalizer: null,
      pre_tokenizer: byteLevel,
      post_processor: null,
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: false,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
        merges: [],
      },
    },
    config: {
      tokenizer_class: 'PreTrainedTokenizerFast',
      bos_token: '<|bos|>',
      eos_token: '<|end|>',
      pad_token: '<|pad|>',
      clean_up_tokenization_spaces: false,
      added_tokens_decoder: Object.fromEntries(addedTokens.map(({ id, ...token }) => [String(id), token])),
    },
    chatTemplate: CHAT_TEMPLATE,
  };
}
