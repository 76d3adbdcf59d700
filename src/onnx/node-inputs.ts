import type { GraphProto, NodeProto } from 'onnx-buf';

/** A node's inputs, with what the bodies of its branches and loops read from outside. Absent inputs are left out. */
export function nodeInputs(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== '');
  const bodies = bodiesOf(node);
  if (bodies.length === 0) return names;
  const [read, defined] = [new Set<string>(), new Set<string>()];
  for (let body = bodies.pop(); body; body = bodies.pop()) {
    for (const { name } of [...body.input, ...body.initializer]) defined.add(name);
    for (const inner of body.node) {
      for (const name of inner.input) if (name !== '') read.add(name);
      for (const name of inner.output) defined.add(name);
      bodies.push(...bodiesOf(inner));
    }
    // A branch may give what is defined outside.
    for (const { name } of body.output) read.add(name);
  }
  // Merged decoders call a branch's own outputs as the node's.
  for (const name of read) if (!defined.has(name)) names.push(name);
  return names;
}

const bodiesOf = ({ attribute }: NodeProto): GraphProto[] => attribute.flatMap(({ g, graphs }) => (g ? [g] : graphs));
