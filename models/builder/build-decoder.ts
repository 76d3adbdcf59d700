import { create } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema, OperatorSetIdProtoSchema } from 'onnx-buf';
import type { BuildContext } from './context.js';
import { MICROSOFT } from './domains.js';
import { type ExternalData, externalize } from './external-data.js';
import { GraphWriter } from './graph-writer.js';
import { type DecoderSpec, type DecoderStyle, resolveSpec } from './spec.js';
import { writeAttention23 } from './styles/attention23.js';
import { writeGenai } from './styles/genai.js';
import { writeGenaiMha } from './styles/genai-mha.js';
import { writeOptimum } from './styles/optimum/optimum.js';
import { randomWeights, type WeightSource } from './weights.js';

export interface BuiltDecoder {
  proto: ModelProto;
  /** Present when the spec asks for external data. */
  externalData?: ExternalData;
}

interface Exporter {
  write: (context: BuildContext) => void;
  producerName: string;
  irVersion: number;
  /** Domain → version; '' is ai.onnx. */
  opsets: Record<string, number>;
}

const EXPORTERS: Record<DecoderStyle, Exporter> = {
  genai: { write: writeGenai, producerName: 'onnxruntime-genai', irVersion: 10, opsets: { '': 22, [MICROSOFT]: 1 } },
  mha: { write: writeGenaiMha, producerName: 'onnxruntime-genai', irVersion: 10, opsets: { '': 22, [MICROSOFT]: 1 } },
  attention23: { write: writeAttention23, producerName: 'minference', irVersion: 11, opsets: { '': 23 } },
  optimum: { write: writeOptimum, producerName: 'pytorch', irVersion: 8, opsets: { '': 18 } },
};

/** Builds a Llama-family decoder as the named exporter would write it. */
export function buildDecoder(spec: DecoderSpec): BuiltDecoder {
  const resolved = resolveSpec(spec);
  const { weights } = resolved;
  const graph = new GraphWriter(weights === 'hollow');
  const exporter = EXPORTERS[resolved.style];
  exporter.write({ spec: resolved, graph, weights: sourceOf(weights) ?? randomWeights(resolved, resolved.seed) });

  const opsets = resolved.quantization ? { ...exporter.opsets, [MICROSOFT]: 1 } : exporter.opsets;
  const proto = create(ModelProtoSchema, {
    irVersion: BigInt(exporter.irVersion),
    producerName: exporter.producerName,
    opsetImport: Object.entries(opsets).map(([domain, version]) =>
      create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
    ),
    graph: graph.finish(),
  });
  if (!resolved.externalData) return { proto };
  return { proto, externalData: externalize(graph.tensors, resolved.externalData) };
}

const sourceOf = (weights: WeightSource | 'hollow' | null): WeightSource | null =>
  weights === 'hollow' ? null : weights;
