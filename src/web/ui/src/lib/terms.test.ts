import { expect, test } from 'vitest';
import type { Offer } from './api';
import { termsOf } from './terms';
import { catalogues } from './words';

const offer: Offer = {
  id: 'off_1',
  kind: 'rental',
  price: { amount: 600, currency: 'CNY' },
  list_price: { amount: 600, currency: 'CNY' },
  watch_hours: 48,
  opens_at: '2027-01-01T00:00:00Z',
  closes_at: null,
  on_sale: true,
};
const tell = (rest: Partial<Offer>) => termsOf({ ...offer, ...rest }, { windows: [] }, catalogues.en, 'en');

test('both clocks are said before either starts', () => {
  expect(tell({ start_within_days: 30 })).toEqual([
    'You have 30 days to press Play.',
    'Once you do, you have 48 hours to watch, as often as you like.',
  ]);
  expect(tell({})).toEqual(['Watch as often as you like for 48 hours from the moment you pay.']);
  expect(tell({ presale: true, watch_hours: 168 })).toEqual(['Watch as often as you like for 7 days from the opening.']);
});

test('what is bought for good has no clock', () => {
  expect(tell({ kind: 'buy', watch_hours: null })).toEqual(['Yours for good: watch it whenever you like.']);
});

test('an end that cuts everyone off is said', () => {
  const window = { license_type: 'vod', description: null, end_at: null, zone: 'UTC' } as const;
  const windows = [{ ...window, start_at: offer.opens_at, hard_end_at: '2027-01-05T00:00:00Z' }];
  expect(termsOf(offer, { windows }, catalogues.en, 'en').at(-1)).toMatch(/^Whatever is left then, viewing ends 5 Jan 2027/);
});

test('early access for members says what it needs and when it is over', () => {
  const early = { ...offer, until_members: true, watch_hours: 365 * 24 };
  expect(tell(early)).toEqual([
    'Early access for members: watch as often as you like while you are a member, until members have it anyway, for 365 days at most.',
  ]);
  const window = { license_type: 'svod', description: null, end_at: null, zone: 'UTC', hard_end_at: null } as const;
  const windows = [{ ...window, start_at: '2027-04-01T00:00:00Z' }];
  expect(termsOf(early, { windows }, catalogues.en, 'en')[0]).toMatch(/From 1 Apr 2027.* every member has it\.$/);
});
