import { expect, test } from 'vitest';
import { Pace } from './pace';

test('the pace is that of the last seconds, and unknown at first', () => {
  const pace = new Pace();
  expect(pace.mark(0, 0)).toBeNull();
  expect(pace.mark(100, 100)).toBeNull();
  expect(pace.mark(1_000, 1_000)).toBe(1_000);
  for (let s = 2; s <= 20; s += 1) pace.mark(1_000 + (s - 1) * 5_000, s * 1_000);
  expect(pace.mark(1_000 + 20 * 5_000, 21_000)).toBe(5_000);
});

test('an offset that the server took back begins anew', () => {
  const pace = new Pace();
  pace.mark(0, 0);
  pace.mark(10_000, 2_000);
  expect(pace.mark(500, 2_100)).toBeNull();
});
