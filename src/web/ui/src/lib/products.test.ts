import { expect, test } from 'vitest';
import type { ProductOf } from './api';
import { bundlesOf, enough, givesText, ofKind, savingOf } from './products';
import { catalogues } from './words';

const yuan = (amount: number) => ({ amount, currency: 'CNY' });
const pack = (id: string, coins: number, price: number): ProductOf<'coins'> => ({
  id, name: {}, price: yuan(price), sold_until: null, gives: { kind: 'coins', coins, bonus: 10, expires_after_days: 365 },
});
const film = (id: string, price: number) => ({ offer_id: `off_${id}`, title: { id, name: {}, poster_url: null }, list_price: yuan(price) });
const bundle = (price: number): ProductOf<'bundle'> => ({
  id: 'prd_b', name: {}, price: yuan(price), sold_until: null, gives: { kind: 'bundle', titles: [film('ttl_1', 1800), film('ttl_2', 600)] },
});

test('a bundle is told with what it saves, where it saves anything', () => {
  expect(savingOf(bundle(2000))).toEqual({ apart: yuan(2400), saved: yuan(400) });
  expect(savingOf(bundle(2400))).toBeNull();
  expect(bundlesOf([bundle(1)], 'ttl_2')).toHaveLength(1);
  expect(bundlesOf([bundle(1)], 'ttl_3')).toEqual([]);
});

test('packs that are enough come alone, the cheapest first; where none is, all do', () => {
  const packs = [pack('large', 500, 5000), pack('small', 50, 600), pack('middle', 100, 1000)];
  expect(enough(packs, 61).map(({ id }) => id)).toEqual(['middle', 'large']);
  expect(enough(packs, 60).map(({ id }) => id)).toEqual(['small', 'middle', 'large']);
  expect(enough(packs, 1000).map(({ id }) => id)).toEqual(['small', 'middle', 'large']);
});

test('what a product gives is said in a line', () => {
  const say = (product: Parameters<typeof givesText>[0]) => givesText(product, catalogues.en, 'en');
  expect(say({ kind: 'membership', plan_id: 'pln_1', days: 30 })).toBe('30 days as a member');
  expect(say(pack('a', 50, 1).gives)).toBe('60 coins, 10 of them a gift; they expire after 365 days');
  expect(say({ kind: 'coins', coins: 1, bonus: 0, expires_after_days: null })).toBe('1 coin');
  expect(ofKind([bundle(1), pack('a', 1, 1)], 'coins')).toHaveLength(1);
});
