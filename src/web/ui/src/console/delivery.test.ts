import { expect, test } from 'vitest';
import type { Deal } from './api/partners';
import { bytesOf, deliveryOf, differsText, isOtherCut, secondsOf, sha256Of, sha256Short } from './delivery';
import { en, zh } from './words/deliveries';

const broadcast: Deal['carriage'] = { kind: 'broadcast', channel: 'Nine', clearance: 'No. 7', runs: 1 };
const of = (over: Partial<Deal>) => deliveryOf({ carriage: broadcast, delivery: null, missing_parts: [], ...over }, en);
const file = (status: 'sent' | 'accepted' | 'rejected') => ({ id: 'dlv_1', status, sent_at: '2026-11-20T00:00:00Z' });

test('what the server misses is a warning; nothing is sent where we stream', () => {
  const missing_parts = [2];
  expect(of({})).toEqual({ text: 'No file sent', tone: 'neutral', icon: 'minus' });
  expect(of({ missing_parts })).toEqual({ text: 'No file sent', tone: 'warn', icon: 'alert' });
  expect(of({ missing_parts, delivery: file('sent') })).toEqual({ text: 'File sent, not answered', tone: 'warn', icon: 'alert' });
  expect(of({ missing_parts: [2, 3], delivery: file('accepted') })?.text).toBe('No accepted file of part 2, 3');
  expect(of({ missing_parts, delivery: file('rejected') })).toEqual({ text: 'File rejected', tone: 'bad', icon: 'close' });
  expect([of({ delivery: file('accepted') })?.tone, of({ delivery: file('sent') })?.tone]).toEqual(['good', 'info']);
  const platform = (streams: number | null): Deal['carriage'] => ({ kind: 'platform', license_type: 'vod', price: null, streams });
  expect([of({ carriage: platform(1) }), of({ carriage: platform(null) })?.text]).toEqual([null, 'No file sent']);
});

test('another cut is told from a frame more', () => {
  const said = (differs_seconds: number | null) => differsText({ differs_seconds }, en, 'en');
  expect([null, 0, 0.04, -312, 61.5].map(said)).toEqual([
    '', 'as long as the part here', '40 ms longer than the part here', '5 minutes 12 seconds shorter than the part here', '1 minute 1 second longer than the part here',
  ]);
  expect(differsText({ differs_seconds: -2 }, zh, 'zh-CN')).toBe('比本站成片短 2秒');
  expect([null, 0, 0.999, 1, -1].map((differs_seconds) => isOtherCut({ differs_seconds }))).toEqual([false, false, false, true, true]);
});

test('a length is clock time or seconds', () => {
  expect(['1:36:40.25', '96:40', '5800', '0:05', ' 7.125 '].map(secondsOf)).toEqual([5800.25, 5800, 5800, 5, 7.125]);
  expect(['', '0', '1:60', '1:60:00', '5.1234', 'an hour', '-3'].map(secondsOf)).toEqual(Array(7).fill(undefined));
});

test('a size is bytes, and a hash may be pasted with the name of its file', () => {
  expect(['1', '12,345,678', '１２ ３４５'].map(bytesOf)).toEqual([1, 12_345_678, 12_345]);
  expect(['', '0', '1.5 GB', '-1', '9999999999999999'].map(bytesOf)).toEqual(Array(5).fill(undefined));
  const hash = 'AB'.repeat(32);
  expect([hash, `${hash}  master.mxf`, hash.slice(1), `${hash}0`].map(sha256Of)).toEqual([hash.toLowerCase(), hash.toLowerCase(), undefined, undefined]);
  expect(sha256Short('0123456789'.repeat(6) + 'abcd')).toBe('012345…89abcd');
});
