import { expect, test } from 'vitest';
import { airingTexts } from './airing';
import { nextBoundary } from './boundary';
import { catalogues } from './words';

const START = '2027-01-01T12:00:00Z';
const END = '2027-01-02T12:00:00Z';

test('the period of an airing is told before, in and after it', () => {
  const at = (offset_ms: number, from: string, ends_at: string | null = END) =>
    airingTexts({ starts_at: START, ends_at, slots: [] }, catalogues.en, 'en', new Date(Date.parse(from) + offset_ms)).join();
  expect(at(-1, START)).toMatch(/^On the channel between 1 Jan 2027, .* and \d+ Jan 2027/);
  expect(at(0, START)).toMatch(/^On the channel by /);
  expect(at(-1, END)).toMatch(/^On the channel by /);
  expect(at(0, END)).toMatch(/^Was on the channel by /);
  expect(at(-1, START, null)).toMatch(/^On the channel from 1 Jan 2027, .* on$/);
  expect(at(0, START, null)).toBe('On the channel in this period');
});

test('where runs are settled each one that is not over is told, and afterwards the period that is left', () => {
  const slots = [{ start_at: START, end_at: '2027-01-01T14:00:00Z' }, { start_at: '2027-01-02T08:00:00Z', end_at: '2027-01-02T10:00:00Z' }];
  const at = (instant: string, offset_ms: number) =>
    airingTexts({ starts_at: START, ends_at: END, slots }, catalogues.en, 'en', new Date(Date.parse(instant) + offset_ms));
  const [first, second] = [/^On the channel 1 Jan 2027, .* – 1 Jan 2027/, /^On the channel 2 Jan 2027, .* – 2 Jan 2027/].map((line) => expect.stringMatching(line) as unknown);
  expect(at(slots[0]!.end_at, -1)).toEqual([first, second]);
  expect(at(slots[0]!.end_at, 0)).toEqual([second]);
  expect(at(slots[1]!.end_at, -1)).toEqual([second]);
  expect(at(slots[1]!.end_at, 0)).toEqual([expect.stringMatching(/^On the channel by /)]);
  expect(at(END, 0)).toEqual([expect.stringMatching(/^Was on the channel by /)]);
});

test('the end of a collection is a boundary like those of its titles', () => {
  expect(nextBoundary([], Date.parse(START), [null, START, END])).toBe(Date.parse(END));
  expect(nextBoundary([], Date.parse(END), [START, END])).toBeNull();
});
