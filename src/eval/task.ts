import type { PromptGenerator } from '../prompts/prompt.js';
import type { MetricName } from './metrics/metrics.js';

/** An evaluation task is data: how its prompts are made and how its answers are scored. */
export interface EvalTask {
  /** The benchmark's own name for it. */
  name: string;
  /** The benchmark whose protocol it follows. */
  source: 'RULER' | 'InfiniteBench';
  generator: PromptGenerator;
  /** Most tokens of an answer; prompt and answer together have the length evaluated. */
  maxNewTokens: number;
  metric: MetricName;
}
