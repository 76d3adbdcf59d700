import { describe, expect, it } from 'vitest';
import { hashJson, sha256 } from '../../src/utils/hash.js';

describe('hashes', () => {
  it('is SHA-256 in hex, of text as UTF-8', () => {
    expect(sha256('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256('é')).toBe(sha256(Uint8Array.of(0xc3, 0xa9)));
  });

  it('does not depend on the order of keys, but on everything else', () => {
    expect(hashJson({ a: 1, b: { c: [1, 2], d: undefined } })).toBe(hashJson({ b: { c: [1, 2] }, a: 1 }));
    expect(hashJson({ a: [1, 2] })).not.toBe(hashJson({ a: [2, 1] }));
    expect(hashJson({ a: 1 })).not.toBe(hashJson({ a: '1' }));
  });
});
