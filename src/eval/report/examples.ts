import type { Answer, EvaluatedPrompt, PromptFacts } from '../harness/results.js';
import { BASELINE } from '../harness/summarize.js';
import type { ReportMethod } from './sections.js';

/** Of each kind and method. */
const MAX_EXAMPLES = 3;

/** A prompt that a method answered better or worse than dense attention did. */
export interface Example {
  prompt: PromptFacts;
  dense: Answer;
  own: Answer;
}

export interface MethodExamples {
  method: ReportMethod;
  gained: { count: number; shown: Example[] };
  lost: { count: number; shown: Example[] };
}

/** Examples of each method that was compared with dense attention and whose predictions are there. */
export const chooseExamples = (methods: readonly ReportMethod[]): MethodExamples[] =>
  methods.flatMap((method) => {
    const { run, name } = method;
    if (name === BASELINE || !run.prompts) return [];
    const pairs = run.prompts.flatMap((prompt) => pairOf(prompt, name));
    if (pairs.length === 0) return [];
    const gained = pairs.filter((pair) => gain(pair) > 0);
    const lost = pairs.filter((pair) => gain(pair) < 0);
    return [
      {
        method,
        gained: { count: gained.length, shown: telling(gained) },
        lost: { count: lost.length, shown: telling(lost) },
      },
    ];
  });

const gain = ({ dense, own }: Example) => own.score - dense.score;

function pairOf(prompt: EvaluatedPrompt, method: string): Example[] {
  const by = (name: string) => prompt.answers.find((answer) => answer.method === name);
  const [dense, own] = [by(BASELINE), by(method)];
  return dense && own ? [{ prompt, dense, own }] : [];
}

/** The largest differences, first one of every task at every length. */
function telling(examples: readonly Example[]): Example[] {
  const seen = new Map<string, number>();
  return [...examples]
    .sort((a, b) => Math.abs(gain(b)) - Math.abs(gain(a)))
    .map((example) => {
      const key = JSON.stringify([example.prompt.task, example.prompt.length]);
      const turn = seen.get(key) ?? 0;
      seen.set(key, turn + 1);
      return { example, turn };
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, MAX_EXAMPLES)
    .map(({ example }) => example);
}
