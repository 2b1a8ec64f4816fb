import { expect, test } from 'vitest';
import { articleAt, SHOWN_MS } from './cues';

const article = (sku: string, ...cues: [number, number][]) => ({
  sku,
  name: { en: sku },
  price: null,
  go_url: `/go/${sku}`,
  cues: cues.map(([part, at_ms]) => ({ part, at_ms })),
});

test('an article is shown from its cue on, for a while, in its part', () => {
  const mug = article('mug', [1, 5_000], [2, 0]);
  const at = (part: number, at_ms: number) => articleAt([mug], part, at_ms, new Set())?.sku ?? null;
  expect([at(1, 4_999), at(1, 5_000), at(1, 5_000 + SHOWN_MS - 1), at(1, 5_000 + SHOWN_MS)]).toEqual([null, 'mug', 'mug', null]);
  expect([at(2, 0), at(3, 0)]).toEqual(['mug', null]);
});

test('the later cue wins, and what was dismissed stays away', () => {
  const both = [article('mug', [1, 0]), article('cap', [1, 1_000])];
  expect(articleAt(both, 1, 2_000, new Set())?.sku).toBe('cap');
  expect(articleAt(both, 1, 2_000, new Set(['cap']))?.sku).toBe('mug');
});
