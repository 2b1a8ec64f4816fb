import { expect, test } from 'vitest';
import { retryDelay } from './live.svelte';

test('retries wait longer each time, up to a bound, and never all at once', () => {
  expect([0, 1, 2, 3].map((failures) => retryDelay(failures, 1))).toEqual([1_000, 2_000, 4_000, 8_000]);
  expect([0, 3, 40].map((failures) => retryDelay(failures, 0))).toEqual([500, 4_000, 15_000]);
  expect(retryDelay(40, 1)).toBe(30_000);
});
