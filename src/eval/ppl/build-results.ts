import { hashJson } from '../../utils/hash.js';
import { packageCommit } from '../../utils/package-commit.js';
import { packageVersion } from '../../utils/package-version.js';
import { type DecoderFacts, deviceFacts, methodFacts } from '../harness/build-setup.js';
import { hashPatterns, type Method } from '../methods/method.js';
import type { ChosenDocuments } from './choose-documents.js';
import { type Job, type PplDecoder, patternLength } from './jobs.js';
import type { Measurements } from './measurements.js';
import type { PplPlan } from './plan.js';
import { type Measurement, PPL_SCHEMA, type PplResults, type PplSetup } from './results.js';
import { summarizeRow } from './summarize.js';

/** What is measured, and the key under which it may be gone on with. */
export function buildSetup(parts: {
  decoder: PplDecoder;
  facts: DecoderFacts;
  plan: PplPlan;
  methods: readonly Method[];
  prefix: readonly number[];
  chunk: number | null;
  allowDense: boolean;
}): PplSetup {
  const { decoder, facts, plan, methods, chunk, allowDense } = parts;
  const { directory, fingerprint, filesHash } = decoder;
  const { id, variant, config } = directory;
  const { window, stride, lengths } = plan;
  const tool = `minference ${packageVersion()}`;
  const device = deviceFacts(decoder, facts);
  const prefix = [...parts.prefix];
  return {
    evaluation: 'ppl',
    tool,
    commit: packageCommit(),
    key: hashJson({
      suite: 'ppl',
      tool,
      device,
      window,
      stride,
      prefix,
      chunk,
      allowDense,
      fingerprint,
      variant,
      filesHash,
    }),
    model: { id, variant, fingerprint, files: filesHash, context_length: config.contextLength },
    device,
    options: {
      lengths: [...lengths],
      documents: plan.documents,
      window,
      stride,
      prefix,
      chunk,
      allow_dense: allowDense,
      methods: methodFacts(methods, lengths, (method, length) => hashPatterns(method, patternLength(length, plan))),
    },
  };
}

/** Everything that was measured, per length and method. */
export function buildResults(
  setup: PplSetup,
  {
    chosen,
    name,
    jobs,
    measurements,
  }: {
    chosen: ChosenDocuments;
    name: string;
    jobs: readonly Job[];
    measurements: Measurements;
  },
): PplResults {
  const records = jobs.flatMap((job) => measurements.get(job) ?? []);
  const failures = records.flatMap(({ document, length, method, failure }) =>
    failure ? [{ document: document.name, length, method, ...failure }] : [],
  );
  const rows = setup.options.lengths.flatMap((length) => {
    const documents = chosen.documents.map(({ sha256 }) => {
      const own = records.filter((record) => record.length === length && record.document.sha256 === sha256);
      return new Map(
        own.flatMap(({ method, measurement }) => (measurement ? [[method, measurement] as [string, Measurement]] : [])),
      );
    });
    return setup.options.methods.flatMap(({ name: method }) => {
      const failed = failures.filter((failure) => failure.method === method && failure.length === length).length;
      return summarizeRow(documents, { length, method, failed }) ?? [];
    });
  });
  return {
    schema: PPL_SCHEMA,
    ...setup,
    finished: new Date().toISOString(),
    data: {
      name,
      documents: chosen.documents.map(({ name, sha256, tokens }) => ({ name, sha256, tokens })),
      skipped: chosen.skipped,
    },
    rows,
    failures,
  };
}
