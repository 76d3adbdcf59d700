import type { PromptGenerator } from '../prompts/prompt.js';
import type { MetricName } from './metrics/metrics.js';

/** An evaluation task is data: how its prompts are made and how its answers are scored. */
export interface EvalTask {
  /** The benchmark's own name for it. */
  name: string;
  /** The benchmark whose protocol it follows. */
  source: 'RULER' | 'InfiniteBench' | 'NIAH' | 'MInference';
  generator: PromptGenerator;
  /** Most tokens of an answer; prompt and answer together have the length evaluated. */
  maxNewTokens: number;
  metric: MetricName;
  /** Most prompts that there are, where they come from a file. */
  count?: number;
  /** The shortest prompts differ in size, so that one of them does not tell whether all fit. */
  varies?: boolean;
  /** Prompts have the size they have: the length is a name for them, and the model's positions their only limit. */
  asGiven?: boolean;
}
