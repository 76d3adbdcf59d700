/**
 * ROUGE-Lsum F1 (Lin 2004, §3.2: summary-level ROUGE-L with the union of longest common subsequences), as InfiniteBench
 * takes it: sentences are lines, words are runs of lower-case letters and digits, nothing is stemmed.
 *
 * @returns from 0 to 1
 */
export function rougeLSum(prediction: string, reference: string): number {
  const [predicted, wanted] = [sentences(prediction), sentences(reference)];
  const [predictedWords, wantedWords] = [predicted.flat(), wanted.flat()];
  if (predictedWords.length === 0 || wantedWords.length === 0) return 0;
  const left = [countsOf(predictedWords), countsOf(wantedWords)] as const;
  let hits = 0;
  for (const sentence of wanted) {
    const union = new Set(predicted.flatMap((other) => commonSubsequence(sentence, other)));
    for (const position of union) {
      const word = sentence[position]!;
      // A word counts as often as both texts have it.
      if (left.every((counts) => (counts.get(word) ?? 0) > 0)) {
        hits++;
        for (const counts of left) counts.set(word, counts.get(word)! - 1);
      }
    }
  }
  const [precision, recall] = [hits / predictedWords.length, hits / wantedWords.length];
  return hits === 0 ? 0 : (2 * precision * recall) / (precision + recall);
}

const sentences = (text: string): string[][] =>
  text.split('\n').flatMap((line) => {
    const words = line.toLowerCase().match(/[a-z0-9]+/g);
    return words ? [[...words]] : [];
  });

function countsOf(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Positions in `a` of a longest common subsequence of both, ascending. */
function commonSubsequence(a: readonly string[], b: readonly string[]): number[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      lengths[i * width + j] =
        a[i - 1] === b[j - 1]
          ? lengths[(i - 1) * width + j - 1]! + 1
          : Math.max(lengths[(i - 1) * width + j]!, lengths[i * width + j - 1]!);
    }
  }
  const positions: number[] = [];
  for (let [i, j] = [a.length, b.length]; i > 0 && j > 0; ) {
    if (a[i - 1] === b[j - 1]) {
      positions.push(i - 1);
      i--;
      j--;
    } else if (lengths[i * width + j - 1]! > lengths[(i - 1) * width + j]!) j--;
    else i--;
  }
  return positions.reverse();
}
