import { toBinary } from '@bufbuild/protobuf';
import { AttributeProtoSchema, type NodeProto } from 'onnx-buf';

/** What identities are made from. */
export interface IdentitySource {
  /** Inputs of the node that computes a value, where its op is understood; else none. */
  inputs(name: string): readonly string[];
  /** A known small value as text. */
  literal(name: string): string | undefined;
  producer(name: string): NodeProto | undefined;
}

/**
 * Texts that are the same for values computed in the same way from the same things in one call: layers repeat their
 * masks under other names.
 */
export class Identities {
  readonly #known = new Map<string, string>([['', '']]);
  readonly #interned = new Map<string, string>();
  readonly #source: IdentitySource;

  constructor(source: IdentitySource) {
    this.#source = source;
  }

  /** The identity of a value. Not recursive: chains of nodes are long. */
  of(name: string): string {
    const pending = [name];
    while (pending.length > 0) {
      const next = pending[pending.length - 1]!;
      const inputs = this.#known.has(next) ? [] : this.#source.inputs(next);
      const missing = inputs.filter((input) => !this.#known.has(input));
      if (missing.length > 0) {
        pending.push(...missing);
        continue;
      }
      pending.pop();
      if (!this.#known.has(next)) this.#known.set(next, this.#describe(next, inputs));
    }
    return this.#known.get(name)!;
  }

  #describe(name: string, inputs: readonly string[]): string {
    const literal = this.#source.literal(name);
    if (literal !== undefined) return literal;
    const node = inputs.length > 0 ? this.#source.producer(name) : undefined;
    if (!node) return `@${name}`;
    const parts = inputs.map((input) => this.#known.get(input)!);
    const attributes = node.attribute.map((attribute) =>
      Buffer.from(toBinary(AttributeProtoSchema, attribute)).toString('hex'),
    );
    const text = JSON.stringify([node.opType, attributes, parts]);
    // Texts of texts would grow without bound: each gets a number.
    const known = this.#interned.get(text) ?? `#${this.#interned.size}`;
    this.#interned.set(text, known);
    return known;
  }
}
