import type { GraphProto, NodeProto } from 'onnx-buf';

/** A node's inputs, with what the bodies of its branches and loops read from outside. Absent inputs are left out. */
export function nodeInputs(node: NodeProto): string[] {
  const names = node.input.filter((name) => name !== '');
  const bodies = node.attribute.flatMap((attribute) => (attribute.g ? [attribute.g] : attribute.graphs));
  for (let body = bodies.pop(); body; body = bodies.pop()) addBody(body, names, bodies);
  return names;
}

function addBody(body: GraphProto, names: string[], bodies: GraphProto[]): void {
  for (const node of body.node) {
    for (const name of node.input) if (name !== '') names.push(name);
    for (const attribute of node.attribute) bodies.push(...(attribute.g ? [attribute.g] : attribute.graphs));
  }
  for (const { name } of body.output) names.push(name);
}
