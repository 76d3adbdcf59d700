import { MinferenceError } from '../errors.js';
import type { ModelDirectory } from '../model/model-directory.js';
import { hashReadFiles } from '../model/read-files.js';
import { followDataLinks } from '../onnx/data-links.js';
import { externalFiles } from '../onnx/external-data.js';
import { fingerprintModel } from '../onnx/fingerprint.js';
import { checkExternalData, readOnnxModel, serializeModel } from '../onnx/model-file.js';
import {
  describeOriginal,
  rewriteForLikelihood,
  rewriteForPrefill,
  rewriteForProbe,
} from '../onnx/rewrite/rewrite-model.js';
import type { OnnxModel, RewriteReport, RewrittenModel } from '../onnx/types.js';
import { costsConfig } from '../runtime/costs/cost-model.js';
import { resolveCosts } from '../runtime/costs/resolve-costs.js';
import { type DeviceChoice, type DeviceRequest, resolveDevice } from '../runtime/device.js';
import { Session } from '../runtime/session.js';
import { defined } from '../utils/defined.js';
import type { ProgressReporter } from '../utils/progress.js';
import { checkGraph, checkNumbers } from './check-graph.js';
import type { DecoderParts, GraphKind } from './decoder-parts.js';
import { createFeedMakers } from './feeds.js';
import { graphFacts } from './graph-facts.js';
import { cacheLimit, positionLimit } from './position-limit.js';
import { checkWeightsFit } from './weights-guard.js';

export interface OpenGraphOptions extends DeviceRequest {
  graph: GraphKind;
  logits: 'last' | 'all';
  /** Takes explicit indices and gives those that it built. */
  indices?: boolean | undefined;
  threads?: number | undefined;
  progress?: ProgressReporter | undefined;
  signal?: AbortSignal | undefined;
}

export interface OpenedGraph {
  parts: DecoderParts;
  device: DeviceChoice;
  report: RewriteReport;
  fingerprint: string;
  /** See hashReadFiles. */
  filesHash: string;
}

/**
 * Reads the graph, rewrites it, and makes a session of it; the weights go from disk straight to the session.
 *
 * @throws MinferenceError MODEL_*, NATIVE_*, DEVICE_UNAVAILABLE, RUNTIME_FAILED
 */
export async function openGraph(directory: ModelDirectory, options: OpenGraphOptions): Promise<OpenedGraph> {
  const [device, file] = await Promise.all([resolveDevice(options), readOnnxModel(directory.modelPath)]);
  checkNames(directory, file);
  await checkExternalData(file);
  if (device.kind === 'cpu') await checkWeightsFit(file, directory.variants);
  const fingerprint = fingerprintModel(file, directory.configText);
  const filesHash = await hashReadFiles(directory, externalFiles(file));
  const model = await followDataLinks(file);
  const rewritten = rewrite(model, directory, options);
  checkGraph(directory, rewritten);
  if (device.kind === 'cpu') checkNumbers(directory, rewritten);
  const place = { device: device.kind, deviceId: device.id ?? 0 };
  // Neither the probe nor ONNX Runtime's own attention falls back to dense.
  const costs =
    options.graph === 'prefill' || options.graph === 'likelihood'
      ? await resolveCosts({ ...place, threads: options.threads }, options)
      : undefined;
  const config = costs === undefined ? {} : costsConfig(device.kind, costs);
  const session = await Session.create({
    model: serializeModel(rewritten.proto),
    externalDataFolder: rewritten.folder,
    ...place,
    customOps: options.graph !== 'original',
    config,
    ...defined({ threads: options.threads }),
  });
  try {
    const parts = partsOf(withLimit(directory, rewritten), session, rewritten, options);
    return { parts, device, report: rewritten.report, fingerprint, filesHash };
  } catch (error) {
    session.dispose();
    throw error;
  }
}

function rewrite(model: OnnxModel, { config }: ModelDirectory, options: OpenGraphOptions): RewrittenModel {
  const { graph, logits, indices = false } = options;
  const facts = graphFacts(config);
  if (graph === 'probe') return rewriteForProbe(model, facts);
  if (graph === 'likelihood') return rewriteForLikelihood(model, { ...facts, indices });
  return graph === 'original'
    ? describeOriginal(model, facts)
    : rewriteForPrefill(model, { ...facts, logits, indices });
}

function partsOf(
  directory: ModelDirectory,
  session: Session,
  { layers, leftAlone, numLayers, states, io, tableSwitch }: RewrittenModel,
  { graph, logits }: OpenGraphOptions,
): DecoderParts {
  const parts = { directory, graph, session, io, layers, leftAlone, numLayers, states, tableSwitch, logits };
  return { ...parts, feedMakers: createFeedMakers(parts) };
}

/** The context ends where the graph's positions end, whatever the configuration says. */
function withLimit(directory: ModelDirectory, { proto, states }: RewrittenModel): ModelDirectory {
  const contextLength = Math.min(directory.config.contextLength, positionLimit(proto), cacheLimit(states));
  return { ...directory, config: { ...directory.config, contextLength } };
}

/** genai_config.json says how inputs and outputs are called; the graph must agree. A kind of state needs one layer at least. */
function checkNames({ config, folder }: ModelDirectory, { proto, path }: OnnxModel): void {
  const { input = [], output = [] } = proto.graph ?? {};
  const names = new Set([...input, ...output].map(({ name }) => name));
  const kinds = (config.stateNames ?? []).flatMap(({ past, present }) => [past, present]);
  const ofStates = new Set(kinds.flat());
  const absent = kinds.find((kind) => !kind.some((name) => names.has(name)));
  const missing = config.ioNames?.find((name) => !ofStates.has(name) && !names.has(name)) ?? absent?.[0];
  if (missing === undefined) return;
  throw new MinferenceError(
    'MODEL_INVALID',
    `${folder}/genai_config.json: expected names of the graph's inputs and outputs, found "${missing}", ` +
      `which ${path} does not have`,
    { hint: 'Keep genai_config.json and the ONNX file of one export together.' },
  );
}
