import { expect, test } from 'vitest';
import type { Board, Figure } from './api/board';
import { curves } from './day';

const figure = (value: number, last_week: number | null = null): Figure => ({ value, last_week, change: null });
const board = (over: Partial<Board>): Board => ({
  at: '2026-11-22T18:30:00.000Z',
  zone: 'Asia/Shanghai',
  currency: 'CNY',
  currencies: ['CNY'],
  day_start_at: '2026-11-22T16:00:00.000Z',
  gross: figure(0),
  refunds: figure(0),
  net: figure(0),
  orders: figure(0),
  conversion: figure(0),
  viewers_now: figure(0),
  play_starts: figure(0),
  start_failures: figure(0),
  by_hour: [],
  by_hour_last_week: [],
  ranking: [],
  health: { level: 'good', code: '', facts: {} },
  hand: [],
  funnel: { checkouts: 0, paid: 0, first_plays: 0, half_watched: 0, completed: 0 },
  ...over,
});

test('hours that were left out are zero, and hours to come are gaps', () => {
  const { xs, today, last_week } = curves(
    board({ by_hour: [{ start_at: '2026-11-22T17:00:00.000Z', gross: 500, orders: 1 }] }),
    false,
  );
  expect(xs).toHaveLength(24);
  expect(today.slice(0, 4)).toEqual([0, 500, 0, null]);
  expect(last_week).toBeNull();
});

test('adding up carries each hour on', () => {
  const hours = [
    { start_at: '2026-11-22T16:00:00.000Z', gross: 100, orders: 1 },
    { start_at: '2026-11-22T18:00:00.000Z', gross: 50, orders: 1 },
  ];
  expect(curves(board({ by_hour: hours }), true).today.slice(0, 4)).toEqual([100, 100, 150, null]);
});

test('last week lies under the same hours, however the clocks were', () => {
  const { last_week } = curves(
    board({
      gross: figure(0, 700),
      by_hour_last_week: [{ start_at: '2026-11-15T18:00:00.000Z', gross: 700, orders: 2 }],
    }),
    false,
  );
  expect(last_week?.slice(0, 4)).toEqual([0, 0, 700, 0]);
});

test('a day of 25 hours has 25', () => {
  const start_at = '2026-11-23T16:00:00.000Z';
  expect(curves(board({ by_hour: [{ start_at, gross: 1, orders: 1 }] }), false).xs).toHaveLength(25);
});
