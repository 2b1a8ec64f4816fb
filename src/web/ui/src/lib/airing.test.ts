import { expect, test } from 'vitest';
import { airingText } from './airing';
import { nextBoundary } from './boundary';
import { catalogues } from './words';

const START = '2027-01-01T12:00:00Z';
const END = '2027-01-02T12:00:00Z';

test('the period of an airing is told before, in and after it', () => {
  const at = (offset_ms: number, from: string, ends_at: string | null = END) =>
    airingText({ starts_at: START, ends_at }, catalogues.en, 'en', new Date(Date.parse(from) + offset_ms));
  expect(at(-1, START)).toMatch(/^On the channel between 1 Jan 2027, .* and \d+ Jan 2027/);
  expect(at(0, START)).toMatch(/^On the channel by /);
  expect(at(-1, END)).toMatch(/^On the channel by /);
  expect(at(0, END)).toMatch(/^Was on the channel by /);
  expect(at(-1, START, null)).toMatch(/^On the channel from 1 Jan 2027, .* on$/);
  expect(at(0, START, null)).toBe('On the channel in this period');
});

test('the end of a collection is a boundary like those of its titles', () => {
  expect(nextBoundary([], Date.parse(START), [null, START, END])).toBe(Date.parse(END));
  expect(nextBoundary([], Date.parse(END), [START, END])).toBeNull();
});
