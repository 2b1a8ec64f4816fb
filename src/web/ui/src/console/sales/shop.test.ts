import { expect, test } from 'vitest';
import { catalogues } from '../../lib/words';
import type { Coupon, Product } from '../api/shop';
import * as area from '../words/shop';
import { couponState, isCode, offText, productState, productText, spanText, whole } from './shop';

const NOW = Date.parse('2027-01-01T00:00:00Z');
const product: Product = {
  id: 'prd_1', name: {}, gives: { kind: 'coins', coins: 500, bonus: 50, expires_after_days: null }, price: { amount: 1, currency: 'CNY' },
  sold_from_at: null, sold_until: null, withdrawn_at: null, created_at: '', on_sale: true,
};
const coupon: Coupon = {
  id: 'cpn_1', code: 'HALF', off: { percent: 50 }, title_ids: [], product_ids: [], starts_at: '2026-12-01T00:00:00Z',
  ends_at: '2027-02-01T00:00:00Z', uses_max: 2, uses_per_viewer: 1, uses: 1, funded_by: 'platform', note: '', void_at: null, created_at: '',
};

test('a product is on sale, coming, over or withdrawn', () => {
  const state = (rest: Partial<Product>) => productState({ ...product, ...rest }, NOW);
  expect(state({})).toBe('on_sale');
  expect(state({ on_sale: false, sold_from_at: '2027-01-01T00:00:01Z' })).toBe('coming');
  expect(state({ on_sale: false, sold_until: '2026-12-31T00:00:00Z' })).toBe('over');
  expect(state({ on_sale: false, withdrawn_at: '2026-12-31T00:00:00Z', sold_from_at: '2028-01-01T00:00:00Z' })).toBe('withdrawn');
});

test('a coupon is open until it ends, is used up or taken back', () => {
  const state = (rest: Partial<Coupon>) => couponState({ ...coupon, ...rest }, NOW);
  expect(state({})).toBe('open');
  expect(state({ uses: 2 })).toBe('used_up');
  expect(state({ uses: 9, uses_max: null })).toBe('open');
  expect(state({ starts_at: '2027-01-02T00:00:00Z' })).toBe('coming');
  expect(state({ ends_at: '2027-01-01T00:00:00Z', uses: 2 })).toBe('expired');
  expect(state({ void_at: '2026-12-31T00:00:00Z', uses: 2 })).toBe('void');
});

test('what they are is said in a line', () => {
  const say = (gives: Product['gives']) => productText(gives, area.en, catalogues.en, 'en', () => 'Gold');
  expect(say(product.gives)).toBe('500 coins and 50 as a gift');
  expect(say({ kind: 'membership', plan_id: 'pln_1', days: 7 })).toBe('Gold for 7 days');
  expect(offText({ percent: 20 }, area.en, 'en')).toBe('20% off');
  expect(offText({ amount: { amount: 500, currency: 'CNY' } }, area.zh, 'zh-CN')).toBe('减 ¥5.00');
  expect(spanText(null, null, area.en, 'en')).toBe('without an end');
});

test('codes and numbers as they are typed', () => {
  expect(['spring-27', ' ABCD ', 'ABC', 'AB CD', 'Ä123'].map(isCode)).toEqual([true, true, false, false, false]);
  expect(['7', '７', '0', '3661', '1.5', ''].map((text) => whole(text, 1, 3660))).toEqual([7, 7, null, null, null, null]);
});
