import { expect, test } from 'vitest';
import { bytesOf, deliveryOf, differsText, isOtherCut, isSent, secondsOf, sha256Of, sha256Short } from './delivery';
import { en, zh } from './words/deliveries';

type Status = 'sent' | 'accepted' | 'rejected';
const of = (status: Status | null, missing_parts: number[] = [], parts = 1) => deliveryOf({ delivery: status && { status }, missing_parts }, parts, en, 'en');

test('a deal warns of what the channel has to accept, and of nothing else', () => {
  expect([of(null), of('sent'), of('accepted'), of('rejected')].map(({ tone, icon }) => [tone, icon])).toEqual([
    ['neutral', 'minus'], ['info', 'clock'], ['good', 'check'], ['bad', 'close'],
  ]);
  expect(of(null, [1])).toEqual({ text: 'No file sent', tone: 'warn', icon: 'alert' });
  expect(of('sent', [1])).toEqual({ text: 'File sent, not answered', tone: 'warn', icon: 'alert' });
  expect(of('rejected', [1])).toEqual({ text: 'File rejected', tone: 'bad', icon: 'alert' });
});

test('a warning names the parts where there are several', () => {
  expect(of('accepted', [2], 2)).toEqual({ text: 'Part 2 not accepted', tone: 'warn', icon: 'alert' });
  expect(of('sent', [1], 2).text).toBe('File sent, not answered · Part 1 not accepted');
  expect(of(null, [1, 2]).text).toBe('No file sent · Parts 1 and 2 not accepted');
  expect(deliveryOf({ delivery: null, missing_parts: [1, 3] }, 3, zh, 'zh-CN').text).toBe('尚未交付 · 第 1和3 部未验收');
});

test('a file is sent where the party shows a copy of its own', () => {
  const platform = (streams: number | null) => isSent({ carriage: { kind: 'platform', license_type: 'vod', price: null, streams } });
  expect([platform(1), platform(null), isSent({ carriage: { kind: 'cinema' } })]).toEqual([false, true, true]);
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
