import { describe, expect, test } from 'vitest';
import { instant, localized, money, position } from './format';

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
  expect(instant('2026-12-01T02:30:00.000Z', 'en', 'UTC')).toBe('Dec 1, 2026, 02:30 UTC');
  expect(instant('2026-12-01T02:30:00.000Z', 'zh-CN', 'Asia/Shanghai')).toContain('10:30');
  expect(instant('2026-12-01T02:30:00.000Z', 'zh-CN', 'Asia/Shanghai')).toContain('GMT+8');
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
