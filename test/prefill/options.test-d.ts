import { expectTypeOf } from 'vitest';
import type { z } from 'zod';
import type { GenerateOptions } from '../../src/prefill/generate.js';
import type { generateSchema, prefillSchema, probeSchema } from '../../src/prefill/options.js';
import type { PrefillOptions } from '../../src/prefill/prefill.js';
import type { ProbeOptions } from '../../src/prefill/probe.js';

// What the decoder's schemas take and what their types say are the same options.
type Keys<Schema extends z.ZodType> = keyof z.input<Schema>;
expectTypeOf<Keys<typeof prefillSchema>>().toEqualTypeOf<keyof PrefillOptions>();
expectTypeOf<Keys<typeof generateSchema>>().toEqualTypeOf<keyof GenerateOptions>();
expectTypeOf<Keys<typeof probeSchema>>().toEqualTypeOf<keyof ProbeOptions>();
