import { expect, test } from 'vitest';
import { chapterAt, chapterLabel, chapterMarks } from './chapters';

const CHAPTERS = [
  { start_ms: 500, title: 'Dawn' },
  { start_ms: 9_500, title: '' },
];

test('an instant belongs to the last chapter that has begun', () => {
  expect([0, 0.5, 9.499, 9.5, 1e9].map((at_s) => chapterAt(CHAPTERS, at_s))).toEqual([null, 0, 0, 1, 1]);
  expect(chapterAt([], 3)).toBeNull();
});

test('marks stand between chapters, and never cover the bar', () => {
  const at = (...starts_s: number[]) => starts_s.map((start_s) => ({ start_ms: start_s * 1_000, title: '' }));
  expect(chapterMarks(at(0, 30, 60), 100)).toEqual([30, 60]);
  expect(chapterMarks(at(0, 0.5, 30, 30.9, 31, 120), 100)).toEqual([30, 31]);
  expect(chapterMarks(at(...Array(256).keys()), 256).length).toBeLessThanOrEqual(100);
  expect(chapterMarks(at(0, 1), 0)).toEqual([]);
});

test('a chapter without a title has a number', () => {
  const labels = CHAPTERS.map((_, n) => chapterLabel(CHAPTERS, n, (number) => `Chapter ${number}`));
  expect(labels).toEqual(['Dawn', 'Chapter 2']);
});
