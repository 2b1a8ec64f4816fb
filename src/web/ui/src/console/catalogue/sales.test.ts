import { expect, test } from 'vitest';
import { periodOf, refundsOf } from './sales';

test('a period is whole days of the zone, today among them', () => {
  const now = new Date('2026-12-01T17:00:00Z');
  expect(periodOf(1, 'Asia/Shanghai', now)).toEqual({ from: '2026-12-01T16:00:00.000Z', to: '2026-12-02T16:00:00.000Z' });
  expect(periodOf(7, 'UTC', now)).toEqual({ from: '2026-11-25T00:00:00.000Z', to: '2026-12-02T00:00:00.000Z' });
});

test('refunds are told in one of a few ways', () => {
  expect(refundsOf({ gross: 1800, orders: 1 }, 'CNY')).toEqual({ count: 1, amount: 1800 });
  expect(refundsOf({ amount: { amount: 1800, currency: 'CNY' }, count: 2 }, 'CNY')).toEqual({ count: 2, amount: 1800 });
  expect(refundsOf(1800, 'CNY')).toEqual({ count: null, amount: 1800 });
  expect(refundsOf(undefined, 'CNY')).toEqual({ count: 0, amount: null });
});
