import { describe, expect, it } from 'vitest';
import { formatJsonSchema } from '../../src/patterns/json-schema.js';

describe('configs/schema.json', () => {
  // Renewed by: npx vitest run --project cpu test/patterns/json-schema.test.ts -u
  it('is the schema of the code', async () => {
    await expect(formatJsonSchema()).toMatchFileSnapshot('../../configs/schema.json');
  });
});
