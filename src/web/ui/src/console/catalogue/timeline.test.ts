import { expect, test } from 'vitest';
import { DAY_MS, HOUR_MS, fit, marks, placed, ratioOf, rest, zoom } from './timeline';

const same = (ms: number) => ms;
const at = (text: string) => Date.parse(text);

test('everything fits, with now in it', () => {
  const now = at('2026-12-01T00:00:00Z');
  const stretch = fit([{ start_at: '2027-01-01T00:00:00Z', end_at: null }], now);
  expect(stretch.from).toBeLessThan(now);
  expect(stretch.to).toBeGreaterThan(at('2027-01-01T00:00:00Z'));
  expect(ratioOf(now, stretch)).toBeGreaterThan(0);
});

test('what is zoomed about stays in its place, and there is a nearest', () => {
  const stretch = { from: 0, to: 100 * DAY_MS };
  const near = zoom(stretch, 0.5, 25 * DAY_MS);
  expect(ratioOf(25 * DAY_MS, near)).toBeCloseTo(0.25);
  expect(near.to - near.from).toBe(50 * DAY_MS);
  const nearest = zoom(stretch, 1e-9);
  expect(nearest.to - nearest.from).toBe(6 * HOUR_MS);
});

test('marks are round, and few', () => {
  const shanghai = { wall: (ms: number) => ms + 8 * HOUR_MS, instant: (ms: number) => ms - 8 * HOUR_MS };
  const days = marks({ from: at('2026-12-01T00:00:00Z'), to: at('2026-12-06T00:00:00Z') }, 8, shanghai.wall, shanghai.instant);
  expect(days.map((mark) => new Date(mark.at).toISOString().slice(0, 16))).toEqual([
    '2026-12-01T16:00', '2026-12-02T16:00', '2026-12-03T16:00', '2026-12-04T16:00', '2026-12-05T16:00',
  ]);
  const months = marks({ from: at('2026-11-15T00:00:00Z'), to: at('2027-03-02T00:00:00Z') }, 5, same, same);
  expect(months.map((mark) => [new Date(mark.at).toISOString().slice(0, 10), mark.kind])).toEqual([
    ['2026-12-01', 'month'], ['2027-01-01', 'year'], ['2027-02-01', 'month'], ['2027-03-01', 'month'],
  ]);
  const years = marks({ from: at('2020-01-01T00:00:00Z'), to: at('2026-01-01T00:00:00Z') }, 4, same, same);
  expect(years.length).toBeLessThanOrEqual(5);
});

test('a dragged edge rests where it can be aimed at', () => {
  const near = at('2026-12-01T20:07:00Z');
  expect(new Date(rest(near, 60_000, same, same)).toISOString()).toBe('2026-12-01T20:00:00.000Z');
  expect(new Date(rest(near, 4 * HOUR_MS, same, same)).toISOString()).toBe('2026-12-02T00:00:00.000Z');
});

test('a span is placed where it is in sight, without an end to beyond the edge', () => {
  const stretch = { from: 0, to: 1_000 };
  expect(placed({ from: 250, to: 500 }, stretch)).toEqual({ left: '25.000%', width: '25.000%' });
  expect(placed({ from: 500, to: null }, stretch)).toEqual({ left: '50.000%', width: '52.000%' });
  expect(placed({ from: -9_000, to: 500 }, stretch)?.left).toBe('-0.300%');
  expect([placed({ from: -10, to: 0 }, stretch), placed({ from: 1_000, to: null }, stretch)]).toEqual([null, null]);
});
