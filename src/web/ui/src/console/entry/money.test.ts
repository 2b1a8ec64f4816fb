import { expect, test } from 'vitest';
import { parseMoney, typed } from './money';

const fen = (text: string, currency = 'CNY') => {
  const entry = parseMoney(text, currency);
  return entry.ok ? entry.money.amount : entry.why;
};

test('yuan and fen are taken as a person writes them', () => {
  expect(['18', '18.00', '18.5', ' 18.50 ', '¥18', '￥１８．００', '18元', '1,800', '0.01', '18.', 'CNY 18'].map((text) => fen(text))).toEqual([
    1800, 1800, 1850, 1850, 1800, 1800, 1800, 180000, 1, 'not_money', 1800,
  ]);
});

test('what is not money is refused and says why', () => {
  expect(fen('')).toBe('empty');
  for (const wrong of ['abc', '18,00', '1.2.3', '１８块钱吧', '1e3', '18 00', '+18', 'NaN', '.5']) expect(fen(wrong)).toBe('not_money');
  expect(fen('18.005')).toBe('too_fine');
  expect(fen('18.000')).toBe(1800);
  expect(fen('-18')).toBe('not_positive');
  expect(fen('0.00')).toBe('not_positive');
  expect(fen('10000000.01')).toBe('too_much');
  expect(fen('99999999999999999999')).toBe('too_much');
});

test('a currency without minor units takes none', () => {
  expect(fen('1800', 'JPY')).toBe(1800);
  expect(fen('1800.5', 'JPY')).toBe('too_fine');
});

test('an amount is typed as it is parsed', () => {
  for (const [amount, currency, text] of [[1800, 'CNY', '18.00'], [5, 'CNY', '0.05'], [1800, 'JPY', '1800']] as const) {
    expect(typed({ amount, currency })).toBe(text);
    expect(fen(text, currency)).toBe(amount);
  }
});
