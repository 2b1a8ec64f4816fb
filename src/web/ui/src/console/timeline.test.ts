import { expect, test } from 'vitest';
import type { TimelineEvent } from './api/sessions';
import { offset, offsetName, shortInstant, shortSpan } from './span';
import { stretches, tellEvent } from './timeline';
import { en } from './words/sessions';

const event = (s: number, kind: string, detail = {}, source: TimelineEvent['source'] = 'player'): TimelineEvent => ({
  at: new Date(s * 1_000).toISOString(), source, kind, detail,
});
const told = (...args: Parameters<typeof event>) => tellEvent(event(...args), en, 'en');

test('stretches follow what the viewer saw', () => {
  const found = stretches([
    event(0, 'play_pressed'),
    event(1, 'first_segment', {}, 'server'),
    event(2, 'first_frame', { startup_ms: 2_000 }),
    event(10, 'stall_start'),
    event(12, 'stall_end', { ms: 2_000 }),
    event(20, 'pause'),
    event(30, 'resume'),
    event(40, 'closed'),
    event(50, 'position'),
  ]);
  expect(found.map(({ phase, from_ms, to_ms }) => [phase, from_ms / 1_000, to_ms / 1_000])).toEqual([
    ['waiting', 0, 2], ['playing', 2, 10], ['stalled', 10, 12], ['playing', 12, 20], ['paused', 20, 30], ['playing', 30, 40],
  ]);
});

test('a stall that ends after a pause does not play', () => {
  const found = stretches([event(0, 'first_frame'), event(5, 'pause'), event(6, 'stall_end', { ms: 1 }), event(9, 'resume')]);
  expect(found.map(({ phase }) => phase)).toEqual(['playing', 'paused']);
});

test('events are told with their facts, unknown ones by their name', () => {
  expect(told(0, 'first_frame', { startup_ms: 640 })).toEqual({ text: 'First picture after 640 ms', weight: 'good' });
  expect(told(0, 'stall_end', { ms: 4_200, seeking: false }).text).toBe('Went on after 4.2 s');
  expect(told(0, 'error', { code: 'X', fatal: true })).toEqual({ text: 'Fatal error X', weight: 'bad' });
  expect(told(0, 'rung', { bitrate_bps: 5_800_000, width: 1920, height: 1080 }).text).toBe('Switched to 1080p at 5.8 Mbit/s');
  expect(told(0, 'brand_new').text).toBe('brand_new');
});

test('spans and offsets', () => {
  expect(shortSpan(999, 'en')).toBe('999 ms');
  expect(shortSpan(1_440, 'en')).toBe('1.4 s');
  expect(offset(7_340)).toBe('+0:07.3');
  expect(offset(3_729_000)).toBe('+1:02:09.0');
});

test('a column of instants names its zone once', () => {
  const now = new Date('2026-11-23T04:00:00Z');
  expect(shortInstant('2026-11-23T06:42:00Z', 'en', 'Asia/Shanghai', now)).toBe('14:42');
  expect(shortInstant('2026-11-23T16:42:00Z', 'en', 'Asia/Shanghai', now)).toBe('Nov 24 00:42');
  expect(shortInstant('2027-01-02T00:00:00Z', 'en', 'UTC', now)).toBe('Jan 2, 2027 00:00');
  expect(offsetName('en', 'Asia/Shanghai', now)).toBe('GMT+8');
});
