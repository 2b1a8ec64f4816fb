import { expect, test } from 'vitest';
import { everyNth, ticks } from './scale';

test.each([
  [0, 100, [0, 50, 100]],
  [0, 7, [0, 2, 4, 6, 8]],
  [0, 0.03, [0, 0.01, 0.02, 0.03]],
  [-5, 12, [-5, 0, 5, 10, 15]],
  [0, 0, [0, 0.5, 1]],
  [Infinity, -Infinity, [0, 0.5, 1]],
])('from %d to %d', (low, high, expected) => {
  expect(ticks(low, high)).toEqual(expected);
});

test('what is counted has no halves between its marks', () => {
  expect([ticks(0, 1, 4, 1), ticks(0, 3, 4, 1), ticks(0, 60, 4, 1)]).toEqual([[0, 1], [0, 1, 2, 3], [0, 20, 40, 60]]);
});

test('labels that would touch are left out', () => {
  expect([everyNth(24, 240, 40), everyNth(5, 500, 40), everyNth(0, 0, 40)]).toEqual([4, 1, 1]);
});
