/**
 * InfiniteBench's ways to read an answer (OpenBMB/InfiniteBench, `src/compute_scores.py`), each 0 or 1. They decide
 * scores, so they keep its quirks, and say them.
 */

const blank = (text: string, characters: RegExp) => text.replace(characters, ' ');
const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
const score = (right: boolean) => (right ? 1 : 0);

/** KV retrieval: the value is one of the words, where these marks separate words. */
export const valueAmongWords = (prediction: string, [value]: readonly string[]): number =>
  score(words(blank(prediction, /[\n:"'.,?!{}]/g)).includes(value!));

/** PassKey and Number: the first run of digits is the number. */
export const firstDigits = (prediction: string, [value]: readonly string[]): number =>
  score(/\d+/.exec(prediction)?.[0] === value);

/**
 * Math.Find: the first number equals the label. A label with a decimal point is compared as a real number; else the
 * first number has to be a whole one.
 */
export function firstNumber(prediction: string, [value]: readonly string[]): number {
  const found = /\d+\.\d+|\d+/.exec(prediction)?.[0];
  if (found === undefined || (!value!.includes('.') && found.includes('.'))) return 0;
  return score(Number(found) === Number(value));
}

/** Code.Run: the last word is the integer. */
export function lastInteger(prediction: string, [value]: readonly string[]): number {
  const last = words(blank(prediction.trim(), /[\n.`'":]/g)).at(-1);
  return score(last !== undefined && /^[+-]?\d+$/.test(last) && Number(last) === Number(value));
}

/** En.Dia: the name is one of the words, in capitals. */
export const nameAmongWords = (prediction: string, [name]: readonly string[]): number =>
  score(words(blank(prediction.trim(), /[\n:"'.,?!{}]/g)).some((word) => word.toUpperCase() === name));

/** What stands one character behind the first of the phrases that occurs; null when it ends the text. */
function after(text: string, phrases: readonly string[]): string | null | undefined {
  for (const phrase of phrases) {
    const at = text.indexOf(phrase);
    if (at < 0) continue;
    const end = at + phrase.length + 1;
    return text.length < end ? null : text.slice(end);
  }
  return undefined;
}

/** Code.Debug; references: the function's name, then the letter of its option. */
export function functionOrLetter(prediction: string, [name, letter]: readonly string[]): number {
  const text = prediction.trim();
  if ([`${letter}.`, `${letter}:`].includes(text.slice(0, 2))) return 1;
  const plain = blank(text, /\n|[`'"\-*]|Option|option/g).replace(/ {2,}/g, ' ');
  const answer = after(plain, ['answer is:', 'is:', 'answer:', 'correct option is:']);
  return score(answer != null && [letter!, name!].some((right) => answer.startsWith(right)));
}

/** En.MC; references: the text of the option, then its letter. A first letter from A to D is taken at its word. */
export function choice(prediction: string, references: readonly string[]): number {
  const text = prediction.trim();
  if (text === '') return 0;
  if ('ABCD'.includes(text[0]!)) return score(references.includes(text[0]!));
  if (references.includes(text)) return 1;
  const plain = blank(text, /[\n"'.,?!{}]/g).replace(/ {2,}/g, ' ');
  const answer = after(plain, ['answer is:', 'answer:', 'answer is', 'option is']);
  if (answer !== undefined) return score(answer !== null && references.some((right) => answer.startsWith(right)));
  const first = words(plain).find((word) => 'ABCD'.includes(word));
  return score(first !== undefined && references.includes(first));
}

/** Math.Calc: the share of the values before the first wrong one. */
export function correctPrefix(prediction: string, values: readonly string[]): number {
  const found = prediction.match(/\d+/g) ?? [];
  const wrong = values.findIndex(
    (value, index) => found[index] === undefined || Number(found[index]) !== Number(value),
  );
  return (wrong < 0 ? values.length : wrong) / values.length;
}
