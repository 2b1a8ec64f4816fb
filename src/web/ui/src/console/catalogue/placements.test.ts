import { expect, test } from 'vitest';
import type { CleanEdit, Placement } from '../api/catalogue';
import { uncovered } from './placements';

const placement = (part: number, category: Placement['category']): Placement => ({
  part, category, brand: 'B', contract: null, in_seconds: 0, out_seconds: 9, exposure_seconds: 3,
});
const edit = (over: Partial<CleanEdit>): CleanEdit => ({ part: 1, asset_id: 'ast_1', territories: null, categories: [], ...over });
const blocks = [{ category: 'alcohol' as const, territories: { include: ['DE', 'FR'], exclude: [] } }];

test('a blocked category needs a clean edit of its part, by category or in every territory', () => {
  const both = [placement(1, 'alcohol'), placement(1, 'alcohol'), placement(1, 'food')];
  expect(uncovered(both, [], { blocks })).toEqual([{ part: 1, category: 'alcohol', codes: ['DE', 'FR'] }]);
  expect(uncovered(both, [edit({ categories: ['alcohol'] })], { blocks })).toEqual([]);
  expect(uncovered(both, [edit({ part: 2, categories: ['alcohol'] })], { blocks })).toHaveLength(1);
  expect(uncovered(both, [edit({ territories: { include: ['DE'], exclude: [] } })], { blocks })[0]?.codes).toEqual(['FR']);
  expect(uncovered(both, [edit({ territories: { include: [], exclude: ['CN'] } })], { blocks })).toEqual([]);
  expect(uncovered(both, [], { blocks: [] })).toEqual([]);
});
