import { basename } from 'node:path';
import { z } from 'zod';
import { MinferenceError } from '../errors.js';
import type { QaName, Question, QuestionSet } from '../prompts/prompt.js';
import { sha256 } from '../utils/hash.js';
import { readJsonFile } from '../utils/json.js';
import { readDataset } from './read-dataset.js';

/** Documents with questions, and how to tell them from others. */
export interface Questions {
  /** Name of the data set, or of the user's file without its folder. */
  name: string;
  sha256: string;
  set: QuestionSet;
}

/** SQuAD's dev set has 4 MB, HotpotQA's 46. */
const MAX_BYTES = 512 * 2 ** 20;
const FORMATS = "give SQuAD's dev-v2.0.json or HotpotQA's hotpot_dev_distractor_v1.json";

const documentSchema = z.object({ text: z.string().min(1) });
const questionSchema = z.object({
  question: z.string().min(1),
  answers: z.array(z.string().min(1)).min(1),
  documents: z.array(z.int().min(0)).min(1),
});
const squadSchema = z.object({
  data: z.array(
    z.object({
      paragraphs: z.array(
        z.object({
          context: z.string(),
          qas: z.array(
            z.object({
              question: z.string(),
              is_impossible: z.boolean().optional(),
              answers: z.array(z.object({ text: z.string() })),
            }),
          ),
        }),
      ),
    }),
  ),
});
const hotpotSchema = z.array(
  z.object({
    question: z.string(),
    answer: z.string(),
    context: z.array(z.tuple([z.string(), z.array(z.string())])),
  }),
);

/**
 * Loads documents and questions in the order of their file.
 *
 * @param path the user's copy of SQuAD (dev-v2.0) or HotpotQA (dev, distractor); default: datasets/qa
 * @throws {MinferenceError} READ_FAILED, DATASET_INVALID
 */
export async function loadQuestions(name: QaName, path?: string): Promise<Questions> {
  if (path === undefined) return bundled(name);
  const value = await readJsonFile(path, { code: 'DATASET_INVALID', maxBytes: MAX_BYTES, hint: FORMATS });
  const squad = squadSchema.safeParse(value);
  const hotpot = squad.success ? undefined : hotpotSchema.safeParse(value);
  const set = squad.success ? fromSquad(squad.data) : hotpot?.success ? fromHotpot(hotpot.data) : undefined;
  if (!set || set.questions.length === 0) {
    throw new MinferenceError('DATASET_INVALID', `${path}: expected questions and their documents, found none`, {
      hint: FORMATS,
    });
  }
  return { name: basename(path), sha256: sha256(JSON.stringify(value)), set };
}

async function bundled(name: QaName): Promise<Questions> {
  const [documents, questions] = await Promise.all(
    ['documents.jsonl.gz', `${name}.jsonl`].map((file) => readDataset('qa', file)),
  );
  return {
    name: `qa/${name}`,
    sha256: sha256(`${documents!.sha256} ${questions!.sha256}`),
    set: {
      documents: lines(documents!.text).map((line) => documentSchema.parse(JSON.parse(line)).text),
      questions: lines(questions!.text).map((line) => ({ ...questionSchema.parse(JSON.parse(line)), related: [] })),
    },
  };
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

/** Answerable questions; paragraphs of the same article are related. Documents are sorted and distinct, as in RULER. */
function fromSquad({ data }: z.infer<typeof squadSchema>): QuestionSet {
  const documents = distinct(data.flatMap(({ paragraphs }) => paragraphs.map(({ context }) => context)));
  const indexOf = positions(documents);
  const questions = data.flatMap(({ paragraphs }) => {
    const article = paragraphs.map(({ context }) => indexOf(context));
    return paragraphs.flatMap(({ context, qas }) => {
      const own = indexOf(context);
      const related = [...new Set(article.filter((index) => index !== own))];
      return qas
        .filter(({ is_impossible, answers }) => is_impossible !== true && answers.length > 0)
        .map(({ question, answers }): Question => {
          return { question, answers: answers.map(({ text }) => text), documents: [own], related };
        });
    });
  });
  return { documents, questions };
}

/** A paragraph is its title and its sentences, joined without spaces as in RULER. */
function fromHotpot(entries: z.infer<typeof hotpotSchema>): QuestionSet {
  const textOf = ([title, sentences]: [string, string[]]) => `${title}\n${sentences.join('')}`;
  const documents = distinct(entries.flatMap(({ context }) => context.map(textOf)));
  const indexOf = positions(documents);
  const questions = entries.map(({ question, answer, context }): Question => {
    return {
      question,
      answers: [answer],
      documents: context.map((paragraph) => indexOf(textOf(paragraph))),
      related: [],
    };
  });
  return { documents, questions };
}

const distinct = (texts: readonly string[]) => [...new Set(texts)].sort();

function positions(documents: readonly string[]): (text: string) => number {
  const places = new Map(documents.map((text, index) => [text, index]));
  return (text) => places.get(text)!;
}
