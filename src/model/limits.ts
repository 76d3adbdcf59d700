/**
 * Bounds on what a model's files may say. They are far above every published decoder, and low enough that a wrong or
 * hostile number is refused before it becomes an allocation.
 */
export const MAX_LAYERS = 1024;
export const MAX_HEADS = 4096;
export const MAX_HEAD_DIM = 4096;
export const MAX_HIDDEN_SIZE = 1 << 20;
export const MAX_VOCAB_SIZE = 1 << 24;
/** Positions; the ops address tokens with int32. */
export const MAX_CONTEXT_LENGTH = 1 << 30;
export const MAX_TOKEN_IDS = 1024;

/** config.json, genai_config.json, generation_config.json, tokenizer_config.json, chat templates. */
export const MAX_CONFIG_BYTES = 16 * 2 ** 20;
/** tokenizer.json; the largest published ones (256K entries with merges) have about 35 MB. */
export const MAX_TOKENIZER_BYTES = 256 * 2 ** 20;

/** Folder levels below the model folder in which .onnx files and genai_config.json are looked for. */
export const MAX_FOLDER_DEPTH = 3;
/** Directory entries looked at before a folder is refused as "not a model". */
export const MAX_FOLDER_ENTRIES = 20_000;
