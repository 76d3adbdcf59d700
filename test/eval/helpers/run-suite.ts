import { evaluateSuite, type RunOptions } from '../../../src/eval/evaluate-suite.js';
import type { Suite, SuiteOptions } from '../../../src/eval/suite.js';
import { type FakeDecoder, fakeDecoder } from './fake-decoder.js';

const facts = { geometry: { blockM: 64, blockN: 64, keyAlign: 16 }, threads: null };

/** Runs a suite with a decoder that needs no model. */
export const runSuite = <Options extends SuiteOptions>(
  suite: Suite<Options>,
  options: Options & RunOptions,
  fake: FakeDecoder = fakeDecoder(),
) => evaluateSuite(suite, fake.decoder, { ...options, ...facts });
