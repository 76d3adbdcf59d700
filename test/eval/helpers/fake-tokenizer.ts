import { createHash } from 'node:crypto';
import type { TextTokenizer } from '../../../src/model/tokenizer.js';

/** Pieces of up to four letters or digits, single marks, single spaces: about as many tokens as real vocabularies make. */
const PIECE = /<\|\w+\|>|[\p{L}\p{N}]{1,4}|[^\p{L}\p{N}]/gu;

const pieces = new Map<number, string>();
const ids = new Map<string, number>();

/** Ids are hashes, so that they do not depend on what was encoded before. */
function idOf(piece: string): number {
  const known = ids.get(piece);
  if (known !== undefined) return known;
  const id = createHash('sha256').update(piece).digest().readUInt32LE() >>> 1;
  ids.set(piece, id);
  pieces.set(id, piece);
  return id;
}

/** A tokenizer whose decode is the inverse of its encode. */
export function fakeTokenizer(): TextTokenizer {
  return {
    encode: (text, { addSpecialTokens = true } = {}) =>
      ((addSpecialTokens ? '<|bos|>' : '') + text).match(PIECE)?.map(idOf) ?? [],
    decode: (list) => list.map((id) => pieces.get(id)).join(''),
    hasChatTemplate: true,
    applyChatTemplate: (messages) =>
      `<|bos|>${messages.map(({ role, content }) => `<|${role}|>\n${content}<|end|>\n`).join('')}<|assistant|>\n`,
    eosTokenIds: [],
    maxTokenLength: 12,
  };
}
