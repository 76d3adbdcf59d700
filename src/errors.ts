/** Machine-readable reason of a {@link MinferenceError}; stable across releases. */
export type ErrorCode =
  | 'USAGE' // an option or argument is wrong (exit code 2)
  | 'MODEL_NOT_FOUND'
  | 'MODEL_INVALID'
  | 'MODEL_EXTERNAL_DATA'
  | 'MODEL_NO_ATTENTION'
  | 'MODEL_UNSUPPORTED'
  | 'TOKENIZER_INVALID'
  | 'PATTERNS_INVALID'
  | 'PATTERNS_MISMATCH'
  | 'PROMPT_INVALID'
  | 'PROMPT_TOO_LONG'
  | 'DATASET_INVALID'
  | 'CHECKPOINT_INVALID'
  | 'NATIVE_NOT_BUILT'
  | 'NATIVE_LOAD_FAILED'
  | 'RUNTIME_FAILED'
  | 'OUT_OF_MEMORY' // refused beforehand: the estimate exceeds what is available
  | 'DEVICE_UNAVAILABLE'
  | 'NETWORK'
  | 'WRITE_FAILED'
  | 'READ_FAILED'
  | 'LOCKED'
  | 'ABORTED';

/**
 * The one error class of this project. `message` says in one line what was expected and what was found; `hint` says
 * what to do about it. The CLI prints both, the stack only with --debug.
 */
export class MinferenceError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MinferenceError';
    this.code = code;
    this.hint = options.hint;
  }

  /** Process exit code: 2 for wrong usage, 130 for an interruption by the user, 1 for everything else. */
  get exitCode(): number {
    if (this.code === 'USAGE') return 2;
    return this.code === 'ABORTED' ? 130 : 1;
  }
}
