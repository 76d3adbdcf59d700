/**
 * The wording of the benchmarks that the prompts follow. It is data of their protocols: a model's score is comparable
 * with published ones only under these very words, so none of it is ours to improve.
 *
 * RULER (NVIDIA/RULER, Apache-2.0): templates and answer prefixes of `scripts/data/synthetic/constants.py`, sentences of
 * `niah.py` and `variable_tracking.py` beside it. Pass key: InfiniteBench (OpenBMB/InfiniteBench, MIT),
 * `data/construct_synthetic_dataset.py` and `src/prompt.py`.
 */
export const WORDING = {
  noise: 'The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.',
  niah: {
    needle: 'One of the special magic {values} for {key} is: {value}.',
    template:
      'Some special magic {values} are hidden within the following text. Make sure to memorize it. ' +
      'I will quiz you about the {values} afterwards.\n{context}\n' +
      'What are all the special magic {values} for {query} mentioned in the provided text?',
    answerPrefix: ' The special magic {values} for {query} mentioned in the provided text are',
    /** Where one value is asked for, these replacements are made in template and prefix, in this order. */
    singular: [
      ['Some', 'A'],
      ['are all', 'is'],
      ['are', 'is'],
    ],
  },
  variableTracking: {
    template:
      'Memorize and track the chain(s) of variable assignment hidden in the following text.\n\n{context}\n' +
      'Question: Find all variables that are assigned the value {query} in the text above.',
    answerPrefix:
      ' Answer: According to the chain(s) of variable assignment in the text above, {count} variables are assigned the ' +
      'value {query}, they are: ',
    assignment: 'VAR {name} = {value}',
    copy: 'VAR {name} = VAR {value} ',
  },
  passkey: {
    template:
      'There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. I will quiz you ' +
      'about the important information there.\n\n{context}\n\nWhat is the pass key?',
    needle: 'The pass key is {key}. Remember it. {key} is the pass key.',
    answerPrefix: 'The pass key is',
  },
} as const;

/** Puts values into the {names} of a template. Text in the values is left as it is. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => values[name] ?? slot);
}
