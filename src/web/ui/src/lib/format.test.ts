import { describe, expect, test } from 'vitest';
import {
  bitrate,
  bytes,
  compact,
  count,
  date,
  duration,
  instant,
  localized,
  major,
  money,
  moneyCompact,
  percent,
  percentChange,
  position,
  relative,
  remaining,
  timeOfDay,
  zoneName,
} from './format';

describe('money', () => {
  test.each([
    [{ amount: 1800, currency: 'CNY' }, 'zh-CN', '¥18.00'],
    [{ amount: 1800, currency: 'CNY' }, 'en', '¥18.00'],
    [{ amount: 500, currency: 'JPY' }, 'en', '¥500'],
    [{ amount: 1234, currency: 'KWD' }, 'en', 'KWD 1.234'],
    [{ amount: 0, currency: 'USD' }, 'en', '$0.00'],
  ] as const)('%j in %s is %s', (value, locale, expected) => {
    expect(money(value, locale).replace(/\u00a0/g, ' ')).toBe(expected);
  });
});

test('an instant shows its zone', () => {
  expect(instant('2026-12-01T02:30:00.000Z', 'en', 'UTC')).toBe('1 Dec 2026, 02:30 UTC');
  expect(instant('2026-12-01T02:30:00.000Z', 'zh-CN', 'Asia/Shanghai')).toBe('2026年12月1日 10:30 GMT+8');
});

test.each([
  [0, '0:00'],
  [59.9, '0:59'],
  [307, '5:07'],
  [3729, '1:02:09'],
])('%d s is %s', (seconds, expected) => {
  expect(position(seconds)).toBe(expected);
});

test('a text falls back to English, then to any', () => {
  expect(localized({ 'zh-CN': '兔子', en: 'Bunny' }, 'zh-CN')).toBe('兔子');
  expect(localized({ en: 'Bunny' }, 'zh-CN')).toBe('Bunny');
  expect(localized({ fr: 'Lapin' }, 'en')).toBe('Lapin');
  expect(localized(undefined, 'en')).toBe('');
});

const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ');

test('large numbers are read in the viewer’s own orders of magnitude', () => {
  expect(compact(12_345, 'zh-CN')).toBe('1.2万');
  expect(compact(340_000_000, 'zh-CN')).toBe('3.4亿');
  expect(compact(12_345, 'en')).toBe('12.3K');
  expect(moneyCompact({ amount: 1_234_500, currency: 'CNY' }, 'zh-CN')).toBe('¥1.2万');
  expect(moneyCompact({ amount: 1_234_500, currency: 'CNY' }, 'en')).toBe('¥12.3K');
  expect(count(1_234_567, 'en')).toBe('1,234,567');
});

test('the digits of a currency are its own', () => {
  expect([major({ amount: 500, currency: 'JPY' }), major({ amount: 1234, currency: 'KWD' })]).toEqual([500, 1.234]);
});

test('a change has a sign, unless there is none', () => {
  expect(percent(0.1234, 'en')).toBe('12.3%');
  expect(percentChange(0.1234, 'en')).toBe('+12.3%');
  expect(percentChange(-0.04, 'zh-CN')).toBe('−4%');
  expect(percentChange(0, 'en')).toBe('0%');
});

test.each([
  [0, '0 seconds', '0秒'],
  [59_999, '59 seconds', '59秒'],
  [7_500_000, '2 hours 5 minutes', '2小时5分钟'],
  [3_600_000, '1 hour', '1小时'],
  [3_605_000, '1 hour', '1小时'],
  [172_800_000 + 3_600_000, '2 days 1 hour', '2天1小时'],
])('%d ms in words', (span_ms, en, zh) => {
  expect(plain(duration(span_ms, 'en'))).toBe(en);
  expect(plain(duration(span_ms, 'zh-CN')).replaceAll(' ', '')).toBe(zh);
});

test('an instant is also told by its distance, its day and its time', () => {
  const now = new Date('2026-12-01T00:00:00Z');
  expect(relative('2026-12-01T03:20:00Z', 'en', now)).toBe('in 3 hours');
  expect(relative('2026-11-30T23:59:55Z', 'en', now)).toBe('5 seconds ago');
  expect(relative('2026-11-30T00:00:00Z', 'zh-CN', now)).toBe('昨天');
  expect(plain(remaining('2026-12-01T03:20:00Z', 'en', now))).toBe('3 hours 20 minutes');
  expect(plain(remaining('2026-11-30T03:20:00Z', 'en', now))).toBe('0 seconds');
  expect(date('2026-12-01T20:00:00Z', 'zh-CN', 'Asia/Shanghai')).toBe('2026年12月2日');
  expect(timeOfDay('2026-12-01T02:30:00Z', 'en', 'UTC')).toBe('02:30 UTC');
  expect(zoneName('en', 'Asia/Shanghai', now)).toBe('China Standard Time');
  expect(zoneName('zh-CN', 'Asia/Shanghai', now)).toBe('中国标准时间');
});

test.each([
  [0, '0 byte', '0 bit/s'],
  [1_500, '1.5 kB', '1.5 kbit/s'],
  [999_960, '1 MB', '1 Mbit/s'],
  [5_200_000_000, '5.2 GB', '5.2 Gbit/s'],
])('%d bytes, and as many bits a second', (value, size, rate) => {
  expect(bytes(value, 'en')).toBe(size);
  expect(bitrate(value, 'en')).toBe(rate);
});
