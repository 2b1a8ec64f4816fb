import { expect, test } from 'vitest';
import { actionText, knownActions, subjectPage } from './audit';
import { en } from './words/audit';

test('an action is told in words, an unknown one as it is written', () => {
  expect(actionText('operator.sign_in_failed', en)).toBe('Failed to sign in');
  expect(actionText('brand.new', en)).toBe('brand.new');
});

test('the filter offers the actions as the log writes them', () => {
  const values = knownActions(en).map(({ value }) => value);
  expect(values).toContain('operator.sign_in_failed');
  expect(values).toContain('voucher_batch.void');
  expect(values).toContain('coin_lot.create');
  expect(values).toContain('deal.premiere');
  expect(values).toContain('party.edit');
  expect(values).toContain('unlock.deny');
  expect(values).toContain('product.withdraw');
  expect(values).toContain('coupon.void');
  expect(values.every((value) => actionText(value, en) !== value)).toBe(true);
});

test('a subject leads to its page where it has one', () => {
  expect(subjectPage('ttl_1')).toBe('/console/titles/ttl_1');
  expect(subjectPage('avl_1')).toBeNull();
});
