import { afterEach, expect, test, vi } from 'vitest';
import type { Title } from './api';
import { atBoundary, nextBoundary } from './boundary';

const now = new Date('2027-01-01T00:00:00Z');
const after = (ms: number) => new Date(now.getTime() + ms).toISOString();
const title = (rest: Partial<Title>): Title => ({
  id: 'ttl_1',
  name: {},
  runtime_ms: 1,
  poster_url: null,
  state: 'free',
  decision: { allow: false, code: 'WINDOW_NOT_OPEN', message: '' },
  offers: [],
  ...rest,
});
afterEach(() => vi.useRealTimers());

test('the next boundary is the first instant that lies ahead', () => {
  const window = { license_type: 'vod', description: null, hard_end_at: null, zone: 'UTC' } as const;
  const windows = [{ ...window, start_at: after(-1), end_at: after(9_000) }];
  expect(nextBoundary([title({}), title({ opens_at: after(0), windows })], now.getTime())).toBe(now.getTime() + 9_000);
  const ending = title({ decision: { allow: true, via: 'grant', ends_at: after(3_000), starts_clock: false } });
  expect(nextBoundary([title({ windows }), ending], now.getTime())).toBe(now.getTime() + 3_000);
  const parts = [{ part: 2, name: null, runtime_ms: 1, opens_at: after(2_000) }];
  expect(nextBoundary([title({ parts }), ending], now.getTime())).toBe(now.getTime() + 2_000);
  expect(nextBoundary([title({ opens_at: after(-1) })], now.getTime())).toBeNull();
});

test('a page that waits is told once, after the opening, also when it lies beyond what a timer can hold', () => {
  for (const away_ms of [5_000, 40 * 86_400_000]) {
    vi.useFakeTimers({ now });
    let told = 0;
    atBoundary([title({ opens_at: after(away_ms) })], () => (told += 1));
    vi.advanceTimersByTime(away_ms);
    expect(told).toBe(0);
    vi.advanceTimersByTime(2_000);
    expect(told).toBe(1);
    vi.advanceTimersByTime(away_ms);
    expect(told).toBe(1);
    vi.useRealTimers();
  }
});
