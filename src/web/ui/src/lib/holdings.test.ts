import { expect, test } from 'vitest';
import type { Grant, GrantRow, Purchase } from './api';
import { holdingsOf, standingOf } from './holdings';

const title = { id: 'ttl_1', name: {}, poster_url: null };
const grant = (phase: Grant['phase'], rest: Partial<Grant> = {}): Grant => ({
  id: 'gra_1',
  title_id: 'ttl_1',
  purchase_id: 'pur_1',
  phase,
  issued_at: '2027-01-01T00:00:00Z',
  first_play_at: null,
  expires_at: '2027-01-03T00:00:00Z',
  streams: 1,
  revoked_at: null,
  livemode: false,
  ...rest,
});
const purchase = (status: Purchase['status'], rest: Partial<Purchase> = {}): Purchase => ({
  id: 'pur_1',
  status,
  title_id: 'ttl_1',
  title,
  offer_id: 'off_1',
  offer_kind: 'pvod',
  product: null,
  discount: null,
  price: { amount: 1, currency: 'CNY' },
  list_price: null,
  is_member_price: false,
  number: 'pur_1',
  provider: 'sandbox',
  payment: null,
  livemode: false,
  created_at: '2027-01-01T00:00:00Z',
  paid_at: null,
  refunded_at: null,
  refund_reason: null,
  ...rest,
});

test('a refund outweighs the right that it took', () => {
  const refunded = purchase('refunded', { refunded_at: '2027-01-02T00:00:00Z', grant: grant('revoked') });
  expect(standingOf(refunded)).toEqual({ is: 'refunded', at: '2027-01-02T00:00:00Z' });
});

test('a presale says when it opens, where the grant knows', () => {
  const available_at = '2027-02-01T00:00:00Z';
  expect(standingOf(purchase('paid', { grant: grant('upcoming', { available_at }) }))).toEqual({ is: 'upcoming', opens_at: available_at });
  expect(standingOf(purchase('paid', { grant: grant('upcoming') }))).toEqual({ is: 'upcoming', opens_at: null });
});

test('what can be watched, what waits for money and what is past; codes stand among purchases, the newest first', () => {
  const by_code: GrantRow = { ...grant('running', { id: 'gra_2', purchase_id: null, issued_at: '2027-01-02T00:00:00Z' }), title };
  const of_purchase: GrantRow = { ...grant('unstarted'), title };
  const groups = holdingsOf(
    [
      purchase('paid', { id: 'a', grant: grant('unstarted') }),
      purchase('pending', { id: 'b' }),
      purchase('declined', { id: 'c' }),
      purchase('expired', { id: 'd' }),
      purchase('paid', { id: 'e', grant: grant('expired') }),
    ],
    [of_purchase, by_code],
  );
  const keys = (group: keyof typeof groups) => groups[group].map((holding) => holding.key);
  expect(keys('ready')).toEqual(['gra_2', 'a']);
  expect(keys('waiting')).toEqual(['b']);
  expect(keys('past')).toEqual(['c', 'd', 'e']);
});

test('a bundle is each of its films; what was bought for good has no end; coins and memberships stand by themselves', () => {
  const product = { id: 'prd_1', kind: 'bundle', name: { en: 'Both' } } as const;
  const bundle = { title_id: null, title: null, offer_id: null, offer_kind: null, product };
  const film = (id: string, end: string | null) => grant('running', { id, expires_at: end });
  const other = { ...title, id: 'ttl_2', name: { en: 'Two' } };
  const groups = holdingsOf(
    [
      purchase('paid', { ...bundle, id: 'a', grants: [film('gra_1', null), film('gra_2', '2027-01-03T00:00:00Z')] }),
      purchase('pending', { ...bundle, id: 'b' }),
      purchase('paid', { ...bundle, id: 'c', coins: 60 }),
      purchase('paid', { ...bundle, id: 'd', membership: { id: 'mem_1', plan_id: 'pln_1', starts_at: '1', ends_at: '2', ended_at: null } }),
      purchase('refunded', { ...bundle, id: 'e', coins: 60 }),
    ],
    [{ ...film('gra_1', null), title }, { ...film('gra_2', null), title: other }],
  );
  expect(groups.ready.map(({ key, title, standing }) => [key, title?.id, standing.is])).toEqual([
    ['a gra_1', 'ttl_1', 'forever'],
    ['a gra_2', 'ttl_2', 'running'],
  ]);
  expect(groups.waiting.map(({ name, title }) => [name.en, title])).toEqual([['Both', null]]);
  expect(groups.besides.map(({ standing }) => standing)).toEqual([{ is: 'coins', coins: 60 }, { is: 'member', from: '1', until: '2' }]);
  expect(groups.past.map(({ key }) => key)).toEqual(['e']);
});

test('an order whose price had changed when the payment arrived says why it came to nothing', () => {
  const at = '2027-01-01T00:00:00Z';
  expect(standingOf(purchase('expired', { closed_because: 'member_price_changed' }))).toEqual({ is: 'closed', because: 'member_price_changed', at });
  expect(standingOf(purchase('declined', { closed_because: 'members_have_it' }))).toEqual({ is: 'closed', because: 'members_have_it', at });
  expect([standingOf(purchase('expired', { closed_because: null })).is, standingOf(purchase('declined')).is]).toEqual(['payment_expired', 'declined']);
  expect(holdingsOf([purchase('expired', { closed_because: 'members_have_it' })], []).past).toHaveLength(1);
});
