/** The other methods of choosing keys, written anew and naively in double precision. */

export interface Head {
  /** Queries of the call, and keys of the whole context; one vector a row. */
  q: number[][];
  k: number[][];
  past: number;
}

const BLOCK = 128;
export const ROW_BLOCK = 64;
const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
const scale = ({ k }: Head) => 1 / Math.sqrt(k[0]!.length);
const mean = (rows: readonly number[][]) =>
  rows[0]!.map((_, e) => rows.reduce((sum, row) => sum + row[e]!, 0) / rows.length);
const sumOf = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);
const range = (begin: number, end: number) => Array.from({ length: Math.max(0, end - begin) }, (_, i) => begin + i);
const blocksOf = (keys: number) => Math.ceil(keys / BLOCK);

export function softmax(x: readonly number[]): number[] {
  const max = Math.max(...x);
  const weights = x.map((value) => Math.exp(value - max));
  const sum = sumOf(weights);
  return weights.map((weight) => weight / sum);
}

/** Attention probabilities of a row over the keys up to its own. */
const probabilities = (head: Head, row: number) =>
  softmax(range(0, head.past + row + 1).map((key) => dot(head.q[row]!, head.k[key]!) * scale(head)));

/** Positions of the `count` largest; of equal ones the first. */
const largest = (x: readonly number[], count: number) =>
  x
    .map((value, i) => [value, i] as const)
    .sort(([a, i], [b, j]) => b - a || i - j)
    .slice(0, count)
    .map(([, i]) => i);

/** Absolute positions of the rows of a row block. */
export function rowsOf({ q, past }: Pick<Head, 'q' | 'past'>, block: number): [first: number, end: number] {
  return [past + block * ROW_BLOCK, past + Math.min(q.length, (block + 1) * ROW_BLOCK)];
}

const perRowBlock = (head: Head, keys: (first: number, end: number) => Iterable<number>): Set<number>[] =>
  range(0, Math.ceil(head.q.length / ROW_BLOCK)).map((block) => new Set(keys(...rowsOf(head, block))));

/** Key blocks of each query block as keys of each row block. */
function fromBlocks(head: Head, kept: (query: number) => Iterable<number>): Set<number>[] {
  const known = new Map<number, number[]>();
  return perRowBlock(head, (first, end) => {
    const keys = new Set<number>();
    for (let query = Math.floor(first / BLOCK); query <= Math.floor((end - 1) / BLOCK); query++) {
      if (!known.has(query)) known.set(query, [...kept(query)]);
      for (const block of known.get(query)!) for (const key of range(block * BLOCK, (block + 1) * BLOCK)) keys.add(key);
    }
    return keys;
  });
}

export const topK = (head: Head, count: number): Set<number>[] =>
  perRowBlock(head, (first, end) => {
    const sums = range(0, first).map(() => 0);
    for (const row of range(first, end)) {
      const p = probabilities(head, row - head.past);
      for (const key of range(0, first)) sums[key]! += p[key]!;
    }
    return [...range(first, end), ...largest(sums, Math.max(0, count - (end - first)))];
  });

export function flashPrefill(head: Head, alpha: number): Set<number>[] {
  const total = head.k.length;
  const end = blocksOf(total);
  return fromBlocks(head, (query) => {
    const rows = range(Math.max(query * BLOCK, head.past), Math.min((query + 1) * BLOCK, total));
    const scores = range(0, query + 1).map((block) => {
      const center = mean(head.k.slice(block * BLOCK, (block + 1) * BLOCK));
      const seeing = rows.filter((row) => (block + 1) * BLOCK - 1 <= row);
      return sumOf(seeing.map((row) => Math.exp(dot(head.q[row - head.past]!, center) * scale(head))));
    });
    const least = alpha * Math.max(...scores);
    return range(0, query + 1).filter(
      (block) => (scores[block]! > 0 && scores[block]! >= least) || block < 2 || query - block < 4 || query >= end - 8,
    );
  });
}

export function xAttention(head: Head, threshold: number, stride: number): Set<number>[] {
  const total = head.k.length;
  const zero = head.k[0]!.map(() => 0);
  const queryAt = (position: number) => head.q[position - head.past] ?? zero;
  const keyAt = (position: number) => head.k[position] ?? zero;
  const square = (r: number, c: number) =>
    (sumOf(range(0, stride).map((s) => dot(queryAt(stride * r + stride - 1 - s), keyAt(stride * c + s)))) *
      scale(head)) /
    stride;
  return fromBlocks(head, (query) => {
    const sums = range(0, query + 1).map(() => 0);
    const [first, last] = [Math.floor(head.past / stride), Math.ceil(total / stride)];
    const perBlock = BLOCK / stride;
    for (const r of range(Math.max(first, query * perBlock), Math.min(last, (query + 1) * perBlock))) {
      for (const [c, p] of softmax(range(0, r + 1).map((c) => square(r, c))).entries())
        sums[Math.floor(c / perBlock)]! += p;
    }
    const kept = new Set([0, query]);
    const others = largest(sums, sums.length).filter((block) => !kept.has(block));
    while (sumOf([...kept].map((block) => sums[block]!)) < threshold * sumOf(sums) && others.length > 0) {
      kept.add(others.shift()!);
    }
    return kept;
  });
}

/** How FlexPrefill takes a head: for tests to see that both ways are tried. */
export const flexWays = { queryAware: 0, verticalSlash: 0 };

export function flexPrefill(head: Head, gamma: number, minBudget: number): Set<number>[] {
  const total = head.k.length;
  const blocks = blocksOf(total);
  const least = Math.min(blocks, Math.max(1, blocksOf(minBudget)));
  if (total <= Math.max(2 * BLOCK, blocksOf(minBudget) * BLOCK)) return perRowBlock(head, () => range(0, total));
  const last = range(Math.max(0, head.q.length - BLOCK), head.q.length);
  const vertical = range(0, total).map(() => 0);
  const slash = range(0, total).map(() => 0);
  for (const row of last) {
    for (const [key, p] of probabilities(head, row).entries()) {
      vertical[key]! += p / last.length;
      slash[total - 1 - (head.past + row - key)]! += p / last.length;
    }
  }
  const cover = (x: readonly number[]) => {
    let sum = 0;
    let count = 1;
    for (const value of [...x].sort((a, b) => b - a)) {
      sum += value;
      if (sum <= gamma) count++;
    }
    return count;
  };
  const size = (x: readonly number[]) => Math.min(blocks, Math.max(least, Math.floor(cover(x) / BLOCK) + 1));
  const pooled = (x: readonly number[]) => range(0, blocks).map((b) => sumOf(x.slice(b * BLOCK, (b + 1) * BLOCK)));
  const centers = range(0, blocks).map((b) => mean(head.k.slice(b * BLOCK, (b + 1) * BLOCK)));
  const query = mean(last.map((row) => head.q[row]!));
  const estimate = softmax(centers.map((center) => dot(query, center) * scale(head)));
  const [p, s] = [pooled(vertical), pooled(slash)];
  const part = (x: number, m: number) => (x === 0 ? 0 : x * Math.log(x / m));
  const divergence = sumOf(
    p.map((x, i) => (part(x, (x + estimate[i]!) / 2) + part(estimate[i]!, (x + estimate[i]!) / 2)) / 2),
  );
  const queryAware = Math.sqrt(divergence) < 0.1;
  flexWays[queryAware ? 'queryAware' : 'verticalSlash']++;
  const verticals = largest(p.with(0, Infinity), queryAware ? least : size(vertical));
  const slashes = largest(s.with(-1, Infinity), queryAware ? least : size(slash)).map((i) => blocks - 1 - i);
  const firstQuery = Math.floor(head.past / BLOCK);
  const more = new Map<number, number[]>();
  if (queryAware) {
    const pairs = range(firstQuery, blocks).flatMap((i) => {
      const rows = range(Math.max(i * BLOCK, head.past), Math.min((i + 1) * BLOCK, total));
      const center = mean(rows.map((row) => head.q[row - head.past]!));
      const x = softmax(range(0, i + 1).map((j) => dot(center, centers[j]!) * scale(head)));
      return x.map((probability, j) => ({ probability, i, j }));
    });
    let sum = 0;
    for (const { probability, i, j } of pairs.sort((a, b) => b.probability - a.probability)) {
      sum += probability;
      if (sum > gamma * (blocks - firstQuery)) break;
      more.set(i, [...(more.get(i) ?? []), j]);
    }
  }
  return fromBlocks(head, (i) => [
    ...verticals.filter((block) => block <= i),
    ...slashes.map((distance) => i - distance).filter((block) => block >= 0),
    ...(more.get(i) ?? []),
  ]);
}

/** What SnapKV keeps of the prompt, ascending: its window, and the most attended of the other keys. */
export function snapKv(head: Head, capacity: number): { window: number[]; chosen: number[] } {
  const total = head.k.length;
  const before = Math.max(0, total - 64);
  const sums = range(0, before).map(() => 0);
  for (const row of range(Math.max(0, head.q.length - 64), head.q.length)) {
    const p = probabilities(head, row);
    for (const key of sums.keys()) sums[key]! += p[key] ?? 0;
  }
  const pooled = sums.map((_, key) => Math.max(...sums.slice(Math.max(0, key - 3), key + 4)));
  return { window: range(before, total), chosen: largest(pooled, capacity - 64).sort((a, b) => a - b) };
}

/** The heads choose together. */
export function infLlm(heads: readonly Head[], count: number, local: number): Set<number>[] {
  const [head] = heads as [Head];
  const total = head.k.length;
  const all = Math.max(0, Math.floor((total - BLOCK) / BLOCK));
  const centers = heads.map((one) => {
    const scores = range(0, total).map(() => 0);
    for (const row of range(0, one.q.length)) {
      const position = one.past + row;
      const p = probabilities(one, row);
      const begin = Math.max(0, position - local + 1);
      const seen = sumOf(p.slice(begin)) + sumOf(p.slice(0, Math.min(begin, BLOCK)));
      for (const key of range(begin, position + 1)) scores[key]! += p[key]! / seen;
    }
    return range(0, all).map((block) => {
      const first = BLOCK + block * BLOCK;
      return mean(largest(scores.slice(first, first + BLOCK), 4).map((i) => one.k[first + i]!));
    });
  });
  return perRowBlock(head, (first, end) => {
    const chunk = Math.floor((first - head.past) / 512) * 512;
    const chunkFirst = head.past + chunk;
    const far = Math.min(all, Math.floor(Math.max(0, chunkFirst - local + 1 - BLOCK) / BLOCK));
    const scores = range(0, far).map((block) =>
      sumOf(heads.map((one, h) => dot(mean(one.q.slice(chunk, chunk + 512)), centers[h]![block]!))),
    );
    return [
      ...range(0, Math.min(BLOCK, end)),
      ...largest(scores, count).flatMap((block) => range(BLOCK + block * BLOCK, 2 * BLOCK + block * BLOCK)),
      ...range(Math.max(0, first - local + 1), end),
    ];
  });
}
