import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/utils/prng.js';

describe('createRandom', () => {
  it('repeats itself for the same seed and labels, and only then', () => {
    const draw = (...key: [number, ...(string | number)[]]) => {
      const random = createRandom(...key);
      return [random.int(0, 1e9), random.float(), random.uuid(), random.shuffle([1, 2, 3, 4, 5, 6, 7, 8]).join()];
    };
    expect(draw(1, 'kv', 0)).toEqual(draw(1, 'kv', 0));
    const others = [draw(2, 'kv', 0), draw(1, 'kv', 1), draw(1, 'kv'), draw(1, 'vk', 0), draw(1, 'kv', '0')];
    for (const other of others) expect(other).not.toEqual(draw(1, 'kv', 0));
  });

  it('has not changed: stored results name their seed', () => {
    const random = createRandom(0, 'fixed');
    expect([random.int(0, 999), random.int(0, 999), random.uuid()]).toMatchInlineSnapshot(`
      [
        16,
        458,
        "6df231e7-9801-4aa3-9d13-c1177c5f3c36",
      ]
    `);
  });

  it('draws within bounds and covers them', () => {
    const random = createRandom(3);
    const draws = Array.from({ length: 2000 }, () => random.int(-2, 2));
    expect(new Set(draws)).toEqual(new Set([-2, -1, 0, 1, 2]));
    const floats = Array.from({ length: 2000 }, () => random.float());
    expect(Math.min(...floats)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...floats)).toBeLessThan(1);
    expect(floats.reduce((a, b) => a + b) / floats.length).toBeCloseTo(0.5, 1);
  });

  it('shuffles without losing anything and makes UUIDs of version 4', () => {
    const random = createRandom(4);
    const items = Array.from({ length: 100 }, (_, index) => index);
    expect(random.shuffle(items)).not.toEqual(items);
    expect([...random.shuffle(items)].sort((a, b) => a - b)).toEqual(items);
    const uuids = Array.from({ length: 500 }, () => random.uuid());
    expect(new Set(uuids).size).toBe(500);
    for (const uuid of uuids)
      expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
