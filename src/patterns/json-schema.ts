import { z } from 'zod';
import { PATTERN_SCHEMA, patternFileSchema } from './pattern-file.js';

/**
 * JSON Schema of pattern files, for editors and other programs; published as configs/schema.json. That layers and heads
 * agree with the model's shapes is beyond JSON Schema and checked on loading.
 */
function patternJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(patternFileSchema, { io: 'input' });
  return { $schema, title: PATTERN_SCHEMA, description: 'Sparse attention patterns of a decoder, per head', ...schema };
}

/** The text of configs/schema.json. */
export const formatJsonSchema = (): string => `${JSON.stringify(patternJsonSchema(), null, 2)}\n`;
