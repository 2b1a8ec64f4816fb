// The measures of the window timeline: a stretch of time laid over a width, its marks, and moving through it.

export interface Stretch {
  from: number;
  to: number;
}

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;
const SPAN_MS_MIN = 6 * HOUR_MS;
const SPAN_MS_MAX = 6 * 365 * DAY_MS;
/** An open end is drawn this far beyond what is known. */
const OPEN_MS = 60 * DAY_MS;

/** Everything in sight with air around it; now is always part of it. */
export function fit(windows: readonly { start_at: string; end_at: string | null }[], now: number): Stretch {
  const starts = windows.map((window) => Date.parse(window.start_at));
  const ends = windows.map((window) => (window.end_at === null ? Date.parse(window.start_at) + OPEN_MS : Date.parse(window.end_at)));
  const from = Math.min(now - 3 * DAY_MS, ...starts);
  const to = Math.max(now + 14 * DAY_MS, ...ends);
  const air = (to - from) * 0.04;
  return { from: from - air, to: to + air };
}

/** 0 to 1 within the stretch; less or more outside of it. */
export function ratioOf(at: number, { from, to }: Stretch): number {
  return (at - from) / (to - from);
}

/** Zooms about a point that stays where it is; `factor` below 1 comes nearer. */
export function zoom({ from, to }: Stretch, factor: number, about = (from + to) / 2): Stretch {
  const span = Math.max(SPAN_MS_MIN, Math.min(SPAN_MS_MAX, (to - from) * factor));
  const left = (about - from) / (to - from);
  return { from: about - span * left, to: about + span * (1 - left) };
}

export function shift({ from, to }: Stretch, share: number): Stretch {
  const by = (to - from) * share;
  return { from: from + by, to: to + by };
}

export interface Mark {
  at: number;
  kind: 'hour' | 'day' | 'month' | 'year';
}

const HOURS = [1, 3, 6, 12];
const DAYS = [1, 2, 7, 14];
const MONTHS = [1, 3, 6, 12];

/** Round instants of the zone: whole hours, midnights, firsts of months; about `marks_max` of them. `wall` gives the
 * zone's wall clock as if it were UTC, `instant` turns it back. */
export function marks(
  { from, to }: Stretch,
  marks_max: number,
  wall: (utc_ms: number) => number,
  instant: (wall_ms: number) => number,
): Mark[] {
  const span = to - from;
  const hour = HOURS.find((hours) => span / (hours * HOUR_MS) <= marks_max);
  const day = DAYS.find((days) => span / (days * DAY_MS) <= marks_max);
  const month = MONTHS.find((months) => span / (months * 30.4 * DAY_MS) <= marks_max) ?? 24;
  const found: Mark[] = [];
  const start = new Date(wall(from));
  const push = (wall_ms: number, kind: Mark['kind']) => {
    const at = instant(wall_ms);
    if (at >= from && at <= to) found.push({ at, kind });
    return at <= to;
  };
  if (hour !== undefined || day !== undefined) {
    const step = hour === undefined ? (day ?? 1) * DAY_MS : hour * HOUR_MS;
    let at = Math.floor(start.getTime() / step) * step;
    while (push(at, at % DAY_MS === 0 ? 'day' : 'hour')) at += step;
    return found;
  }
  let [year, index] = [start.getUTCFullYear(), Math.floor(start.getUTCMonth() / month) * month];
  while (push(Date.UTC(year, index, 1), index % 12 === 0 ? 'year' : 'month')) {
    index += month;
    year += Math.floor(index / 12);
    index %= 12;
  }
  return found;
}

/** A dragged edge comes to rest on a quarter of an hour, an hour or midnight, as fine as can be aimed at. */
export function rest(at: number, ms_per_px: number, wall: (ms: number) => number, instant: (ms: number) => number): number {
  const aim = ms_per_px * 4;
  const step = aim <= HOUR_MS / 4 ? HOUR_MS / 4 : aim <= HOUR_MS ? HOUR_MS : DAY_MS;
  return instant(Math.round(wall(at) / step) * step);
}

/** Where a span stands on the stretch, as CSS lengths; `null` out of sight. */
export function placed({ from, to }: { from: number; to: number | null }, stretch: Stretch): { left: string; width: string } | null {
  if (from >= stretch.to || (to !== null && to <= stretch.from)) return null;
  const left = Math.max(-0.003, ratioOf(from, stretch));
  const right = Math.min(1.02, to === null ? 1.02 : ratioOf(to, stretch));
  const percent = (ratio: number) => `${(ratio * 100).toFixed(3)}%`;
  return { left: percent(left), width: percent(Math.max(0.002, right - left)) };
}
