/**
 * The wording of the benchmarks that the prompts follow. It is data of their protocols: a model's score is comparable
 * with published ones only under these very words, so none of it is ours to improve.
 *
 * RULER (NVIDIA/RULER, Apache-2.0): templates and answer prefixes of `scripts/data/synthetic/constants.py`, sentences of
 * `niah.py`, `variable_tracking.py` and `qa.py` beside it. Pass key and all below it: InfiniteBench
 * (OpenBMB/InfiniteBench, MIT), `data/construct_synthetic_dataset.py` and the templates for base models of
 * `src/prompt.py`, whose last line begins the answer.
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
  commonWords: {
    template:
      'Below is a numbered list of words. In these words, some appear more often than others. Memorize the ones that ' +
      'appear most often.\n{context}\nQuestion: What are the 10 most common words in the above list?',
    answerPrefix: ' Answer: The top 10 words that appear most often in the list are:',
  },
  frequentWords: {
    template:
      'Read the following coded text and track the frequency of each coded word. Find the three most frequently ' +
      'appeared coded words. {context}\nQuestion: Do not provide any explanation. Please ignore the dots ' +
      "'....'. What are the three most frequently appeared words in the above coded text?",
    answerPrefix: ' Answer: According to the coded text above, the three most frequently appeared words are:',
    dots: '...',
  },
  documents: {
    template:
      'Answer the question based on the given documents. Only give me the answer and do not output any other words.' +
      '\n\nThe following are given documents.\n\n{context}\n\nAnswer the question based on the given documents. ' +
      'Only give me the answer and do not output any other words.\n\nQuestion: {query}',
    answerPrefix: ' Answer:',
    document: 'Document {number}:\n{document}',
  },
  needleTest: 'Read the text, then answer the question from it in one sentence.\n\n{context}\n\nQuestion: {question}',
  originalNeedle: {
    needle: 'The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day.',
    question: 'What is the best thing to do in San Francisco?',
    references: ['sandwich', 'Dolores Park', 'sunny day'] as string[],
  },
  magicCity: {
    needle: 'The special magic {city} number is: {number}.',
    question: 'What is the special magic {city} number?',
  },
  passkey: {
    template:
      'There is an important info hidden inside a lot of irrelevant text. Find it and memorize them. I will quiz you ' +
      'about the important information there.\n\n{context}\n\nWhat is the pass key?',
    needle: 'The pass key is {key}. Remember it. {key} is the pass key.',
    answerPrefix: 'The pass key is',
  },
  numberString: {
    template:
      'There is an important info hidden inside a lot of irrelevant text. Find it. I will quiz you about the important ' +
      'information there.\n\n{context}\n\nWhat is the sequence of digits?',
    needle: 'The sequence of digits is {key}. Remember it. {key} is the sequence of digits.',
    answerPrefix: 'The sequence of digits is',
  },
  mathFind: {
    template: 'What is {target} in the following list?\n\n{context}\n\n{question}',
    question: 'You should answer with only one number, no other words. The {target} of the list is: ',
  },
  longbookSum: { template: 'Summarize the book below.\n\n{context}', answerPrefix: 'Summary:' },
  longbookChoice: {
    template:
      'Read the book and answer the question.\n\n{context}\n\nQuestion: {question}\nA. {a}\nB. {b}\nC. {c}\nD. {d}',
    answerPrefix: 'The letter of the correct answer is',
  },
  longbookQa: {
    template:
      'Read the book and answer the question. Be very concise in your answer.\n\n{context}\n\nQuestion: {question}',
    answerPrefix: 'Answer:',
  },
  longbookQaChinese: {
    template: '阅读以下书籍然后回答问题。\n\n{context}\n\n问题：{question}',
    answerPrefix: '答案：',
  },
  longDialogue: {
    template:
      'Below is a dialogue script where one random occurrence of a character name is replaced with "$$MASK$$", and you ' +
      'should try to guess who that character is.\n\n{context}',
    answerPrefix: 'The name that has been replaced with $$MASK$$ is likely',
  },
  mathCalc: {
    template:
      'Let us calculate the intermediate values of an expression.\n\nExpression: 1 + 3 + 4\nValues: [1, 4, 8]\n\n' +
      'Expression: 8 - 3 + 2 - 4\nValues: [8, 5, 7, 3]\n\nExpression: {context}',
    answerPrefix: 'Values:',
  },
  codeRun: {
    template:
      'There is a function called {function} in the following Python code.\n\n{context}\n\n' +
      'Please compute the exact value of {call}.',
    answerPrefix: 'The value of {call} is',
  },
  codeDebug: {
    template:
      'Following is a Python code where exactly one of the functions/methods has a deliberate error that makes it ' +
      'crash.\n\n{context}\n\nOptions:\nA. {a}\nB. {b}\nC. {c}\nD. {d}',
    answerPrefix: 'The correct option is:',
  },
} as const;

/** How a task words its prompt and begins its answer. */
export interface Wording {
  template: string;
  answerPrefix: string;
}

/** Puts values into the {names} of a template. Text in the values is left as it is. */
export function fill(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => values[name] ?? slot);
}
