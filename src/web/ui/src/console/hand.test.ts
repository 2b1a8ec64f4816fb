import { expect, test } from 'vitest';
import type { Board, Hand } from './api/board';
import { healthOf, tell } from './hand';
import { en } from './words/hand';

const now = new Date('2026-11-23T04:00:00Z');
const hand = (code: string, over: Partial<Hand> = {}): Hand => ({
  code, level: 'warn', title_id: null, subject: null, at: null, facts: {}, ...over,
});
const told = (code: string, over: Partial<Hand> = {}) => tell(hand(code, over), en, 'en', 'Echo', now);
const health = (code: string, facts: Record<string, unknown> = {}) =>
  healthOf({ health: { level: 'warn', code, facts } } as Board, en, 'en').text;

test('each thing that needs a hand leads to where it is mended', () => {
  const at = '2026-11-23T06:00:00Z';
  expect(told('WINDOW_OPENS_NO_ASSET', { title_id: 'ttl_1', at })).toEqual({
    text: 'Echo opens in 2 hours and has no packaged film', act: 'Add the film', href: '/console/titles/ttl_1?tab=film',
  });
  expect(told('WINDOW_OPENS_NO_OFFER', { at: '2026-11-23T03:00:00Z' }).text).toBe('Echo opened 1 hour ago and has no price');
  expect(told('WINDOW_OPENS_NO_OFFER', { title_id: 'ttl_1', at }).href).toBe('/console/titles/ttl_1?tab=windows');
  expect(told('PAYMENT_PENDING_LATE', { subject: 'pur_1' }).href).toBe('/console/orders/pur_1');
  expect(told('JOB_FAILED', { facts: { source_name: 'echo.mov' } }).text).toBe('Packaging failed: echo.mov');
  expect(told('DISK_LOW', { facts: { free_bytes: 1e9 } }).text).toContain('1 GB left');
  const drift = (facts: Record<string, unknown>) => told('PREMIERE_DRIFT', { title_id: 'ttl_1', at: '2026-11-23T03:00:00Z', facts: { party: 'Reef', ...facts } });
  expect(drift({ drift: 'unreported', opened_at: null }).text).toBe('Reef was to open Echo 1 hour ago and has not said that it did');
  expect(drift({ drift: 'late', opened_at: '2026-11-23T03:30:00Z' }).text).toBe('Reef opened Echo 30 minutes after the agreed time');
  expect(drift({ drift: 'early', opened_at: '2026-11-23T02:30:00Z' })).toEqual({
    text: 'Reef opened Echo 30 minutes before the agreed time', act: 'Look at the deal', href: '/console/titles/ttl_1?tab=windows',
  });
  const missing = (missing_parts: number[]) => told('DELIVERY_MISSING', { title_id: 'ttl_1', at, facts: { party: 'Reef TV', channel: 'Reef 6', missing_parts } });
  expect(missing([1])).toEqual({
    text: 'Reef 6 (Reef TV) is to show Echo in 2 hours and has accepted no file', act: 'Look at the deal', href: '/console/titles/ttl_1?tab=windows',
  });
  expect(missing([1, 3]).text).toContain('no file of parts 1 and 3');
  expect(told('LICENCE_CHANGE_PENDING', { title_id: 'ttl_1', facts: { expires_at: null } })).toEqual({
    text: 'Echo is not what its licence was confirmed for: in China nothing new of it is offered', act: 'Look at the licence',
    href: '/console/titles/ttl_1?tab=film',
  });
  expect(told('ORIGIN_UNKNOWN', { title_id: 'ttl_1', facts: { expires_at: null } })).toEqual({
    text: 'Nobody has said where Echo was made: in China nothing of it is offered', act: 'Say where', href: '/console/titles/ttl_1?tab=details',
  });
  const licence = (code: string, expires_at: string) => told(code, { title_id: 'ttl_1', facts: { expires_at } });
  expect(licence('LICENCE_EXPIRES_SOON', '2026-12-03T04:00:00Z')).toEqual({
    text: 'The licence of Echo runs out in 10 days: in China nothing new of it is offered from then on', act: 'Look at the licence',
    href: '/console/titles/ttl_1?tab=film',
  });
  expect(licence('LICENCE_EXPIRED', '2026-11-21T04:00:00Z').text).toBe('The licence of Echo ran out 2 days ago: in China nothing new of it is offered');
  expect(told('NO_TITLES').href).toBe('/console/titles?do=new');
});

test('a code that is not known is shown as it is, without a way to nowhere', () => {
  expect(told('BRAND_NEW')).toEqual({ text: 'The server reports BRAND_NEW', act: null, href: null });
});

test('health is one sentence of the worst thing there is', () => {
  expect(health('ALL_GOOD', { viewers_now: 3, starts: 10, failures: 0 })).toBe('All well. 3 watching; in the last hour 10 starts, 0 failed.');
  expect(health('ALL_GOOD', { viewers_now: 0, starts: 0, failures: 0 })).toBe('All quiet: nobody has pressed Play in the last hour.');
  expect(health('PREMIERE_DRIFT', { count: 1 })).toBe('One premiere elsewhere is not as agreed.');
  expect(health('LICENCE_EXPIRED', { expires_at: '2026-11-21T04:00:00Z' })).toBe('A licence has run out: in China nothing new of its title is offered.');
  expect(health('START_FAILURES', { starts: 100, failures: 12, share: 0.12 })).toBe('Films fail to start: 12 of 100 in the last hour (12%).');
});
