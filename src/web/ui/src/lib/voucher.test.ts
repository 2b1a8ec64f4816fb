import { expect, test } from 'vitest';
import { VOUCHER_CHARS, voucherCode, voucherText } from './voucher';

const CODE = 'ABCDE-01234-FGHJK-MNPQR';

test('a code is the same however it is typed or pasted', () => {
  for (const typed of [
    CODE,
    CODE.toLowerCase(),
    'abcde01234fghjkmnpqr',
    '  ABCDE 01234 FGHJK MNPQR\n',
    'ABCDE–01234—FGHJK_MNPQR.',
    'ＡＢＣＤＥ０１２３４ＦＧＨＪＫＭＮＰＱＲ',
    'ABCDE-OI234-FGHJK-MNPQR',
    'ABCDE-ol234-FGHJK-MNPQR',
  ]) {
    expect(voucherText(typed)).toBe(CODE);
    expect(voucherCode(typed)).toHaveLength(VOUCHER_CHARS);
  }
});

test('it is grouped as it grows, and never longer than a code', () => {
  expect(voucherText('')).toBe('');
  expect(voucherText('abcde')).toBe('ABCDE');
  expect(voucherText('abcdef')).toBe('ABCDE-F');
  expect(voucherText(`${CODE}XYZ`)).toBe(CODE);
});
