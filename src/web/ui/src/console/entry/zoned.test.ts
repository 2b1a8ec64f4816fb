import { expect, test } from 'vitest';
import { fromLocal, offsetText, toLocal } from './zoned';

const at = (text: string, zone: string) => {
  const local = fromLocal(text, zone);
  return local.ok ? local.at : local.why;
};

test('a wall clock and its zone make an instant, and back', () => {
  expect(at('2026-12-01T20:00', 'Asia/Shanghai')).toBe('2026-12-01T12:00:00.000Z');
  expect(toLocal('2026-12-01T12:00:00.000Z', 'Asia/Shanghai')).toBe('2026-12-01T20:00');
  expect(toLocal('2026-11-30T16:00:00.000Z', 'Asia/Shanghai')).toBe('2026-12-01T00:00');
  expect(toLocal('2026-12-01T12:00:36.592Z', 'UTC')).toBe('2026-12-01T12:00:36');
  expect(at('2026-07-01T20:00', 'America/New_York')).toBe('2026-07-02T00:00:00.000Z');
});

test('an hour that a zone skips is no time, and one it repeats is the first', () => {
  expect(at('2026-03-29T02:30', 'Europe/Berlin')).toBe('skipped');
  expect(fromLocal('2026-10-25T02:30', 'Europe/Berlin')).toEqual({ ok: true, at: '2026-10-25T00:30:00.000Z', twice: true });
  expect(fromLocal('2026-10-25T03:30', 'Europe/Berlin')).toEqual({ ok: true, at: '2026-10-25T02:30:00.000Z', twice: false });
});

test('what is no time is refused', () => {
  expect(at('', 'UTC')).toBe('empty');
  expect(at('tomorrow', 'UTC')).toBe('not_a_time');
  expect(at('2026-13-01T00:00', 'UTC')).toBe('not_a_time');
});

test('the offset is that of the instant', () => {
  expect(offsetText('Asia/Shanghai', '2026-12-01T00:00:00Z')).toBe('UTC+08:00');
  expect(offsetText('UTC', '2026-12-01T00:00:00Z')).toBe('UTC');
});
