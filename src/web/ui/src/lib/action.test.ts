import { describe, expect, test } from 'vitest';
import { actionOf, mainOffer, resumable } from './action';
import type { Decision, Offer, Title } from './api';

const offer = (id: string, rest: Partial<Offer> = {}): Offer => ({
  id,
  kind: 'pvod',
  price: { amount: 1800, currency: 'CNY' },
  list_price: { amount: 1800, currency: 'CNY' },
  watch_hours: 48,
  opens_at: '2027-01-01T00:00:00Z',
  closes_at: null,
  on_sale: true,
  ...rest,
});
const title = (decision: Decision, rest: Partial<Title> = {}): Title => ({
  id: 'ttl_1',
  name: {},
  runtime_ms: 1,
  poster_url: null,
  state: 'for_sale',
  decision,
  offers: [],
  ...rest,
});
const denied = (code: string, next: Extract<Decision, { allow: false }>['next'] = [], acquired = false): Decision => ({
  allow: false,
  code,
  message: '',
  next,
  acquired,
});
const opens_at = '2027-02-01T00:00:00Z';
const guest = { signed_in: false };
const viewer = { signed_in: true };

describe('the one button', () => {
  test('unlocks a series that begins with an episode for coins', () => {
    const locked = denied('PAYMENT_REQUIRED', [{ action: 'unlock', part: 1, coins: 60 }, { action: 'join' }]);
    expect(actionOf(title(locked, { offers: [offer('off_1')] }), viewer)).toEqual({ does: 'unlock', part: 1, coins: 60 });
  });

  test('plays what may be played, from where it was left', () => {
    const allowed: Decision = { allow: true, via: 'grant', starts_clock: true };
    expect(actionOf(title(allowed), viewer)).toEqual({ does: 'play', starts_clock: true });
    const progress = { part: 2, position_ms: 60_000, duration_ms: 100_000, updated_at: '' };
    expect(actionOf(title(allowed, { progress }), viewer)).toEqual({ does: 'resume', progress });
  });
  test('sells: a premiere is bought, a rental rented, a presale ordered before', () => {
    for (const [does, rest] of [
      ['buy', {}],
      ['rent', { kind: 'rental' }],
      ['preorder', { presale: true }],
    ] as const) {
      const [one] = [offer('off_1', rest)];
      expect(actionOf(title(denied('PAYMENT_REQUIRED'), { offers: [one] }), guest)).toEqual({ does, offer: one });
    }
  });
  test('a presale is sold although the window is not open', () => {
    const one = offer('off_1', { presale: true });
    const decision = denied('WINDOW_NOT_OPEN', [{ action: 'wait', opens_at }]);
    expect(actionOf(title(decision, { offers: [one] }), guest).does).toBe('preorder');
  });
  test('what was ordered before its window waits, and is not sold again', () => {
    const decision = denied('WINDOW_NOT_OPEN', [{ action: 'wait', opens_at }], true);
    const offers = [offer('off_1', { presale: true })];
    const owned = { does: 'wait', opens_at, owned: true, for_members: false };
    expect(actionOf(title(decision, { state: 'acquired', offers }), viewer)).toEqual(owned);
  });
  test('a film for members asks who one is, and says so to whoever is none', () => {
    const decision = denied('MEMBERSHIP_REQUIRED', [{ action: 'join' }]);
    expect(actionOf(title(decision), guest)).toEqual({ does: 'sign_in' });
    expect(actionOf(title(decision), viewer)).toEqual({ does: 'members_only' });
  });
  test('waits for an opening, and says for whom', () => {
    const decision = denied('WINDOW_NOT_OPEN', [{ action: 'wait', opens_at }]);
    const window = { description: null, start_at: opens_at, end_at: null, hard_end_at: null, zone: 'UTC' };
    const wait = { does: 'wait', opens_at, owned: false };
    expect(actionOf(title(decision), guest)).toEqual({ ...wait, for_members: false });
    const svod = { windows: [{ ...window, license_type: 'svod' as const }] };
    expect(actionOf(title(decision, svod), guest)).toEqual({ ...wait, for_members: true });
  });
  test('sells nothing that is suspended or not licensed here, whatever the offers say', () => {
    for (const code of ['TITLE_SUSPENDED', 'LICENCE_REQUIRED', 'LICENCE_REVOKED', 'GEO_NOT_LICENSED']) {
      expect(actionOf(title(denied(code), { offers: [offer('off_1')] }), viewer)).toEqual({ does: 'nothing', code });
    }
  });
});

test('the offer is the server’s choice, else the cheapest that is open', () => {
  const offers = [
    offer('presale', { presale: true, price: { amount: 1, currency: 'CNY' } }),
    offer('dear'),
    offer('cheap', { price: { amount: 600, currency: 'CNY' } }),
    offer('closed', { on_sale: false, price: { amount: 2, currency: 'CNY' } }),
  ];
  expect(mainOffer(title(denied('PAYMENT_REQUIRED'), { offers }))?.id).toBe('cheap');
  const next = [{ action: 'buy' as const, offer_id: 'dear', price: { amount: 1800, currency: 'CNY' } }];
  expect(mainOffer(title(denied('PAYMENT_REQUIRED', next), { offers }))?.id).toBe('dear');
});

test('neither the first seconds nor the end credits are resumed', () => {
  const at = (position_ms: number) => resumable({ part: 1, position_ms, duration_ms: 100_000, updated_at: '' });
  expect(at(4_999)).toBeNull();
  expect(at(5_000)).not.toBeNull();
  expect(at(94_999)).not.toBeNull();
  expect(at(95_000)).toBeNull();
});
