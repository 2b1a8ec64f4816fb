import { expect, test } from 'vitest';
import type { Deal } from './api/partners';
import { carriageText, counted, exclusivityText, premiereOf, usualCarriage } from './deal';
import { en, zh } from './words/partners';

const now = Date.parse('2026-11-23T04:00:00Z');
const opening = (over: Partial<Deal>) =>
  premiereOf({ alarm: null, drift_ms: null, opened_at: null, start_at: '2026-11-23T03:00:00Z', end_at: null, ...over }, en, 'en', now);
const carried = (carriage: Deal['carriage']) => carriageText({ carriage }, en, 'en');

test('a premiere is told in words, whichever way it went', () => {
  expect(opening({ alarm: 'early', drift_ms: -1_800_000 })).toEqual({ text: 'Opened 30 minutes early', tone: 'warn', icon: 'alert' });
  expect(opening({ alarm: 'late', drift_ms: 5_400_000 }).text).toContain('late');
  expect(opening({ alarm: 'unreported' }).text).toBe('Opening not reported');
  expect(opening({ opened_at: '2026-11-23T03:00:00Z', drift_ms: 0 }).text).toBe('Opened as agreed');
  expect(opening({ start_at: '2026-11-24T03:00:00Z' }).text).toBe('To open');
  expect(opening({}).text).toBe('Running');
  expect(opening({ end_at: '2026-11-23T03:30:00Z' }).text).toBe('Over');
  expect(premiereOf({ alarm: 'late', drift_ms: 120_000, opened_at: '', start_at: '', end_at: null }, zh, 'zh-CN', now).text).toBe('延迟 2分钟上线');
});

test('how a party shows a title is told with what matters of it', () => {
  const price = { amount: 1800, currency: 'CNY' };
  expect(carried({ kind: 'platform', license_type: 'vod', price, streams: 2 })).toEqual({
    what: 'Platform, pay per title', more: '¥18.00, plays from this server, 2 devices at once',
  });
  expect(carried({ kind: 'platform', license_type: 'svod', price: null, streams: null }).more).toBe('delivers by itself');
  expect(carried({ kind: 'cinema' })).toEqual({ what: 'Cinemas', more: '' });
  expect(carried({ kind: 'broadcast', channel: 'CCTV-6', clearance: 'No. 7', runs: 2, slots: [], catch_up: false })).toEqual({ what: 'CCTV-6, 2 runs', more: 'under No. 7' });
  expect(carried({ kind: 'broadcast', channel: 'CCTV-6', clearance: 'No. 7', runs: 1, slots: [], catch_up: true }).more).toBe('under No. 7, with catch-up');
});

test('who has it alone is named, and in what where that is said', () => {
  const said = (exclusivity: Deal['exclusivity']) => exclusivityText({ exclusivity }, (id) => `party ${id}`, en, 'en');
  expect(said(null)).toBe('');
  expect(said({ with_us: false, with: [], media: [] })).toBe('Alone');
  expect(said({ with_us: true, with: ['2'], media: [] })).toBe('Only with party 2 and us');
  expect(said({ with_us: false, with: [], media: ['vod', 'svod'] })).toBe('Alone in Pay per title and Members');
});

test('a party shows titles as its kind does, and a number is a whole one', () => {
  expect((['partner', 'circuit', 'broadcaster', 'distributor'] as const).map(usualCarriage)).toEqual(['platform', 'cinema', 'broadcast', 'platform']);
  expect(['1', ' 12 ', '0', '-1', '1.5', ''].map(counted)).toEqual([1, 12, null, null, null, null]);
});
