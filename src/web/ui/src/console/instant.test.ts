import { expect, test } from 'vitest';
import { fromWall, toWall } from './instant';

test('a wall clock names its instant in its zone', () => {
  expect(fromWall('2026-03-03T21:00', 'Asia/Shanghai')).toBe('2026-03-03T13:00:00.000Z');
  expect(fromWall('2026-07-03T21:00', 'Europe/Berlin')).toBe('2026-07-03T19:00:00.000Z');
  expect(fromWall('', 'UTC')).toBeNull();
});

test('clocks that change are followed on both sides of the change', () => {
  // Berlin: 01:59 CET is followed by 03:00 CEST on 29 March 2026.
  expect(fromWall('2026-03-29T01:59', 'Europe/Berlin')).toBe('2026-03-29T00:59:00.000Z');
  expect(fromWall('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z');
});

test('there and back', () => {
  for (const zone of ['Asia/Shanghai', 'America/New_York', 'Asia/Kolkata', 'UTC']) {
    expect(toWall(fromWall('2026-11-23T10:30', zone), zone)).toBe('2026-11-23T10:30');
  }
  expect(toWall(null, 'UTC')).toBe('');
});
