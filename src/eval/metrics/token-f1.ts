const ARTICLES = /\b(?:a|an|the)\b/g;
const ASCII_PUNCTUATION = /[!-/:-@[-`{-~]/g;
const CHINESE_PUNCTUATION =
  /[！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟-､、〃》「」『』【】〔-〟〰〾〿–—‘’‛“”„‟…‧﹏]/g;

/** F1 of words without case, punctuation and articles (SQuAD's, as InfiniteBench's En.QA); the best of the references. */
export const wordF1 = (prediction: string, references: readonly string[]): number =>
  best(references, (reference) => f1(englishWords(prediction), englishWords(reference)));

/** F1 of characters without case, punctuation and spaces (InfiniteBench's Zh.QA); the best of the references. */
export const characterF1 = (prediction: string, references: readonly string[]): number =>
  best(references, (reference) => f1(characters(prediction), characters(reference)));

const best = (references: readonly string[], score: (reference: string) => number) =>
  references.reduce((highest, reference) => Math.max(highest, score(reference)), 0);

const englishWords = (text: string) =>
  text
    .toLowerCase()
    .replace(ASCII_PUNCTUATION, '')
    .replace(ARTICLES, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');

const characters = (text: string) => [
  ...text.toLowerCase().replace(ASCII_PUNCTUATION, '').replace(CHINESE_PUNCTUATION, '').replace(/\s+/g, ''),
];

function f1(predicted: readonly string[], wanted: readonly string[]): number {
  const left = new Map<string, number>();
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
  let common = 0;
  for (const word of predicted) {
    const count = left.get(word) ?? 0;
    if (count === 0) continue;
    common++;
    left.set(word, count - 1);
  }
  if (common === 0) return 0;
  const [precision, recall] = [common / predicted.length, common / wanted.length];
  return (2 * precision * recall) / (precision + recall);
}
