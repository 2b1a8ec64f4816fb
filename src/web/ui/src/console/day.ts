// A day's hours as the two lines of a chart.

import type { Board, Hour } from './api/board';

const HOUR_MS = 3_600_000;

export interface Curves {
  /** Instants of today, in ms. */
  xs: number[];
  /** In minor units; null for an hour that has not come. */
  today: (number | null)[];
  /** Null where there was nothing to compare with. */
  last_week: (number | null)[] | null;
}

/** Hours without sales may be left out of the board; a day may have 23 hours or 25. */
export function curves(board: Board, adding: boolean): Curves {
  const start = Date.parse(board.day_start_at);
  const now = Date.parse(board.at);
  const hours = Math.max(24, ...[...board.by_hour].map(({ start_at }) => Math.floor((Date.parse(start_at) - start) / HOUR_MS) + 1));
  const passed = Math.floor((now - start) / HOUR_MS);
  const xs = Array.from({ length: hours }, (_, i) => start + i * HOUR_MS);
  const today = spread(board.by_hour, start, hours, adding).map((value, i) => (i <= passed ? value : null));
  const before_start = start - 7 * 24 * HOUR_MS;
  const compared = board.gross.last_week !== null || board.by_hour_last_week.some(({ gross }) => gross !== 0);
  return { xs, today, last_week: compared ? spread(board.by_hour_last_week, before_start, hours, adding) : null };
}

function spread(hours: readonly Hour[], start: number, length: number, adding: boolean): number[] {
  const values = Array.from({ length }, () => 0);
  for (const { start_at, gross } of hours) {
    // A change of the clocks within the week moves the other day's start by an hour.
    const at = Math.round((Date.parse(start_at) - start) / HOUR_MS);
    if (at >= 0 && at < length) values[at] = (values[at] ?? 0) + gross;
  }
  let sum = 0;
  return adding ? values.map((value) => (sum += value)) : values;
}
