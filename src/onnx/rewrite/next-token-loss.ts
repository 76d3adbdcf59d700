import { create } from '@bufbuild/protobuf';
import { type AttributeProto, type GraphProto, GraphProtoSchema, type NodeProto, NodeProtoSchema } from 'onnx-buf';
import { graphAttr, intAttr } from '../attribute.js';
import { copyMessage } from '../copy-message.js';
import { Evaluator } from '../evaluate/evaluator.js';
import type { Graph } from '../graph.js';
import { ELEMENT, makeValueInfo } from '../value-info.js';
import { SAMPLE_CALL } from './analysis.js';
import { findNarrowed, ROWS_AXIS } from './last-row.js';

/** Graph input, int64 [1, rows, 1]: the token behind every row. */
export const TARGETS_INPUT = 'minference.targets';
/** Graph output, float32 [rows]: −ln of the probability that each row gives its target, in nats. */
export const LOSS_OUTPUT = 'minference.loss';

/** Logits of one step: what a step holds does not depend on the length of the prompt. */
const STEP_ELEMENTS = 2 ** 24;
const MIN_STEP_ROWS = 64;
/** Where the graph does not say how large its vocabulary is. */
const USUAL_VOCABULARY = 2 ** 17;

/** Rows that are scored at a time. */
export const stepRowsFor = (vocabulary: number): number =>
  Math.max(MIN_STEP_ROWS, Math.floor(STEP_ELEMENTS / vocabulary));

/**
 * Replaces the `logits` output [1, rows, vocabulary] by the loss of every row's next token. The nodes whose results are as
 * wide as the vocabulary (the LM head, its soft-cap) move into a loop over a few rows at a time, so that the logits of a
 * prompt are never there at once: of 100,000 rows and a vocabulary of 150,000 they would take 60 GB.
 *
 * @param stepRows rows of one step; default: as many as make a bounded number of logits
 * @returns whether nothing as wide as the vocabulary is left outside; where the LM head cannot be told from the rest, the
 *   graph computes all logits first
 */
export function scoreNextTokens(graph: Graph, logits: string, stepRows?: number): boolean {
  const call = new Evaluator(graph, SAMPLE_CALL);
  const vocabulary = call.shape(logits)?.at(-1) || USUAL_VOCABULARY;
  const head = findHead(graph, call, logits);
  const sources = head.size === 0 ? [logits] : sourcesOf(head);
  const isBounded = sources.every((name) => (call.shape(name)?.at(-1) ?? vocabulary) !== vocabulary);
  const body = new LoopBody(graph, [TARGETS_INPUT, ...sources]);
  for (const [node, rows] of head) body.move(node, rows);
  graph.removeOutput(logits);
  graph.addInput(TARGETS_INPUT, ELEMENT.int64, [1, 'rows', 1]);
  graph.addOutput(LOSS_OUTPUT, ELEMENT.float32, ['rows']);
  body.finish(logits, stepRows ?? stepRowsFor(vocabulary));
  return isBounded;
}

/** The nodes behind which all values are as wide as the vocabulary, in order, with their inputs that hold rows. */
function findHead(graph: Graph, call: Evaluator, logits: string): Map<NodeProto, readonly number[]> {
  const width = call.shape(logits)?.at(-1);
  const narrowed = findNarrowed(graph, call, logits);
  const head = new Map<NodeProto, readonly number[]>();
  for (const node of graph.order().toReversed()) {
    const inputs = narrowed.get(node);
    if (!inputs || !node.output.every((name) => name === '' || call.shape(name)?.at(-1) === width)) continue;
    const isRead = (name: string) => name === logits || graph.consumers(name).every((reader) => head.has(reader));
    if (node.output.every((name) => name === '' || isRead(name))) head.set(node, inputs);
  }
  return new Map([...head].reverse());
}

/** The values of rows that these nodes read and do not make. */
function sourcesOf(nodes: ReadonlyMap<NodeProto, readonly number[]>): string[] {
  const made = new Set([...nodes.keys()].flatMap(({ output }) => output));
  const read = [...nodes].flatMap(([{ input }, rows]) => rows.map((index) => input[index]!));
  return [...new Set(read.filter((name) => !made.has(name)))];
}

/** Nodes that work on a few rows, in a loop over all of them. */
class LoopBody {
  readonly #graph: Graph;
  readonly #moved: NodeProto[] = [];
  /** What a step has of a value of all rows. */
  readonly #cuts: ReadonlyMap<string, string>;

  /** @param sources values of all rows that the loop reads */
  constructor(graph: Graph, sources: readonly string[]) {
    this.#graph = graph;
    this.#cuts = new Map(sources.map((name) => [name, graph.unique(`${name}/step`)]));
  }

  /** Moves a node from the graph into the loop. */
  move(node: NodeProto, rows: readonly number[]): void {
    const input = node.input.map((name, index) => (rows.includes(index) ? this.#own(name) : name));
    this.#graph.detach(node);
    this.#moved.push(copyMessage(NodeProtoSchema, node, { input }));
  }

  #own(name: string): string {
    return this.#cuts.get(name) ?? name;
  }

  /** Puts the loop into the graph. */
  finish(logits: string, rows: number): void {
    const graph = this.#graph;
    const int64 = (part: string, values: number[]) => graph.addInt64(named(part), values);
    const [step, axis, flat] = [int64('step', [rows]), int64('axis', [ROWS_AXIS]), int64('flat', [-1])];

    const outer = (part: string, opType: string, inputs: string[]) =>
      graph.add({ opType, name: named(part), inputs, outputs: [named(part)] });
    const count = outer('count', 'Gather', [outer('shape', 'Shape', [TARGETS_INPUT]), axis]);
    const steps = outer('steps', 'Div', [outer('rounded', 'Add', [count, int64('rest', [rows - 1])]), step]);
    graph.add({
      opType: 'Loop',
      name: named('loop'),
      inputs: [
        outer('trips', 'Reshape', [steps, int64('scalar', [])]),
        '',
        outer('none', 'ConstantOfShape', [int64('nothing', [0])]),
      ],
      outputs: [LOSS_OUTPUT],
      attributes: [graphAttr('body', this.#body(logits, { step, axis, flat }))],
    });
  }

  /** One step: its number and the losses so far go in, the losses with its own come out. */
  #body(logits: string, { step, axis, flat }: Record<'step' | 'axis' | 'flat', string>): GraphProto {
    const nodes: NodeProto[] = [];
    const node = (part: string, opType: string, input: string[], attribute: AttributeProto[] = []) => {
      const output = named(part);
      nodes.push(create(NodeProtoSchema, { opType, name: output, input, output: [output], attribute }));
      return output;
    };
    const [number, goOn, before] = [named('number'), named('go'), named('before')];
    const start = node('start', 'Mul', [node('flat_number', 'Reshape', [number, flat]), step]);
    const end = node('end', 'Add', [start, step]);
    for (const [value, output] of this.#cuts) {
      nodes.push(
        create(NodeProtoSchema, { opType: 'Slice', name: output, input: [value, start, end, axis], output: [output] }),
      );
    }
    nodes.push(...this.#moved);
    const wide = node('logits', 'Cast', [this.#own(logits)], [intAttr('to', ELEMENT.float32)]);
    const log = node('log', 'LogSoftmax', [wide], [intAttr('axis', -1)]);
    const picked = node('picked', 'GatherElements', [log, this.#own(TARGETS_INPUT)], [intAttr('axis', -1)]);
    const own = node('own', 'Neg', [node('row', 'Reshape', [picked, flat])]);
    const after = node('after', 'Concat', [before, own], [intAttr('axis', 0)]);
    return create(GraphProtoSchema, {
      name: named('body'),
      node: nodes,
      input: [
        makeValueInfo(number, ELEMENT.int64, []),
        makeValueInfo(goOn, ELEMENT.bool, []),
        makeValueInfo(before, ELEMENT.float32, ['before']),
      ],
      output: [
        makeValueInfo(node('go_on', 'Identity', [goOn]), ELEMENT.bool, []),
        makeValueInfo(after, ELEMENT.float32, ['after']),
      ],
    });
  }
}

const named = (part: string) => `${LOSS_OUTPUT}.${part}`;
