import { expect, test } from 'vitest';
import { isFinished, keptIn, newest, startOf, type Place } from './resume';

const place = (position_ms: number, duration_ms = 6_000_000, part = 1, updated_at = '2026-11-20T10:00:00.000Z'): Place => ({
  part,
  position_ms,
  duration_ms,
  updated_at,
});

test.each([
  ['a short clip, before its last twentieth', 28_000, 30_000, false],
  ['a short clip, in its last twentieth', 28_600, 30_000, true],
  ['a film, six minutes before its end', 7_200_000 - 360_000, 7_200_000, false],
  ['a film, five minutes before its end', 7_200_000 - 300_000, 7_200_000, true],
  ['a length that is not known', 5_000, 0, false],
])('%s', (_, position_ms, duration_ms, finished) => {
  expect(isFinished({ position_ms, duration_ms })).toBe(finished);
});

test('the newest position wins, whichever device kept it', () => {
  const local = place(1, 10, 1, '2026-11-20T10:00:00.000Z');
  const server = place(2, 10, 1, '2026-11-20T12:00:00.000+01:00');
  expect(newest(local, server)).toBe(server);
  expect(newest(place(1, 10, 1, '2026-11-20T12:00:00.000Z'), server)).not.toBe(server);
  expect(newest(null, server)).toBe(server);
  expect(newest(local, null)).toBe(local);
  expect(newest(null, null)).toBe(null);
});

test.each<[string, Place | null, number, ReturnType<typeof startOf>]>([
  ['nothing kept', null, 1, null],
  ['the middle', place(600_000), 1, { part: 1, position_ms: 600_000 }],
  ['the first seconds', place(4_999), 1, null],
  ['the end of the only part', place(6_000_000), 1, null],
  ['the end of the first of two parts', place(6_000_000), 2, { part: 2, position_ms: 0 }],
  ['the first seconds of the second part', place(1_000, 6_000_000, 2), 2, { part: 2, position_ms: 0 }],
  ['the end of the last part', place(6_000_000, 6_000_000, 2), 2, null],
  ['a part that is there no more', place(600_000, 6_000_000, 3), 2, null],
])('from %s, Play goes on where it should', (_, kept, parts, start) => {
  expect(startOf(kept, parts)).toEqual(start);
});

test('a position is kept by viewer and title', () => {
  const values = new Map<string, string>();
  const storage = {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  };
  keptIn(storage, 'vwr_1').write('ttl_1', place(600_000));
  expect(keptIn(storage, 'vwr_1').read('ttl_1')).toEqual(place(600_000));
  expect(keptIn(storage, 'vwr_1').read('ttl_2')).toBe(null);
  expect(keptIn(storage, 'vwr_2').read('ttl_1')).toBe(null);
  expect(keptIn(storage, null).read('ttl_1')).toBe(null);
});

test.each(['soon', '12', '{}', '{"part":1,"position_ms":1,"duration_ms":2,"updated_at":"soon"}'])(
  'what is not a position (%s) is none',
  (text) => {
    expect(keptIn({ getItem: () => text, setItem: () => undefined }, null).read('ttl_1')).toBe(null);
  },
);
