import { expect, test, vi } from 'vitest';
import type { Offer, Product, Purchase, Quote, Title } from './api';
import { Checkout, type CheckoutPorts } from './checkout.svelte';
import { Failure } from './http';

const yuan = (amount: number) => ({ amount, currency: 'CNY' });
const offer: Offer = {
  id: 'off_1',
  kind: 'pvod',
  price: yuan(1800),
  list_price: yuan(1800),
  watch_hours: 48,
  opens_at: '2027-01-01T00:00:00Z',
  closes_at: null,
  on_sale: true,
};
const title: Title = {
  id: 'ttl_1',
  name: {},
  runtime_ms: 1,
  poster_url: null,
  state: 'for_sale',
  decision: { allow: false, code: 'PAYMENT_REQUIRED', message: '' },
  offers: [offer],
};
const purchase = (status: Purchase['status']): Purchase => ({
  id: 'pur_1',
  status,
  title_id: 'ttl_1',
  title: { id: 'ttl_1', name: {}, poster_url: null },
  offer_id: 'off_1',
  offer_kind: 'pvod',
  product: null,
  discount: null,
  price: yuan(1800),
  list_price: yuan(1800),
  is_member_price: false,
  number: 'pur_1',
  provider: 'sandbox',
  payment: null,
  livemode: false,
  created_at: '',
  paid_at: null,
  refunded_at: null,
  refund_reason: null,
});
const quoted = (members_from_at: string | null) => ({ price: yuan(1800), discount: null, is_member_price: false, members_from_at });
const refuse = (code: string) => () => Promise.reject(new Failure({ code }));

function ports(changes: Partial<CheckoutPorts> = {}): CheckoutPorts {
  return {
    signed_in: () => true,
    title: () => Promise.resolve(title),
    product: () => Promise.resolve(null),
    quote: () => Promise.resolve(quoted(null)),
    buy: () => Promise.resolve(purchase('paid')),
    purchase: () => Promise.resolve(purchase('paid')),
    newest: () => Promise.resolve([]),
    changed: () => Promise.resolve(),
    sleep: () => Promise.resolve(),
    ...changes,
  };
}

test('who is not signed in does so first, and is told of another price before paying', async () => {
  const member = { ...title, offers: [{ ...offer, price: yuan(900) }] };
  const till = new Checkout(ports({ signed_in: () => false, title: () => Promise.resolve(member) }));
  till.begin(title, offer);
  expect(till.step).toBe('account');
  await till.signedIn();
  expect([till.step, till.was?.amount, till.offer?.price.amount]).toEqual(['pay', 1800, 900]);
});

test('who turns out to own the film pays nothing', async () => {
  const owned: Title = { ...title, decision: { allow: true, via: 'grant', starts_clock: false } };
  const till = new Checkout(ports({ signed_in: () => false, title: () => Promise.resolve(owned) }));
  till.begin(title, offer);
  await till.signedIn();
  expect(till.step).toBe('owned');
});

test('a declined order is another one next time; a lost answer is asked for again with its own key', async () => {
  const keys: string[] = [];
  const answers = [refuse('NETWORK'), refuse('PAYMENT_DECLINED'), () => Promise.resolve(purchase('paid'))];
  const buy: CheckoutPorts['buy'] = (_offer, _outcome, key) => {
    keys.push(key);
    return answers[keys.length - 1]?.() ?? Promise.reject(new Error('one too many'));
  };
  const till = new Checkout(ports({ buy }));
  till.begin(title, offer);
  await till.pay();
  expect([till.step, till.setback]).toEqual(['pay', 'network']);
  await till.pay();
  expect([till.step, till.setback]).toEqual(['pay', 'declined']);
  await till.pay();
  expect([till.step, till.setback]).toEqual(['paid', null]);
  expect(keys[0]).toBe(keys[1]);
  expect(keys[1]).not.toBe(keys[2]);
});

test('a pending purchase is followed until it is decided, through lost connections', async () => {
  const answers = [refuse('NETWORK'), () => Promise.resolve(purchase('pending')), () => Promise.resolve(purchase('paid'))];
  const changed = vi.fn(() => Promise.resolve());
  const till = new Checkout(
    ports({
      buy: () => Promise.resolve(purchase('pending')),
      purchase: () => answers.shift()?.() ?? Promise.reject(new Error('one too many')),
      changed,
    }),
  );
  till.begin(title, offer);
  await till.pay();
  expect(till.step).toBe('waiting');
  await vi.waitFor(() => expect(till.step).toBe('paid'));
  expect(answers).toEqual([]);
  expect(changed).toHaveBeenCalledOnce();
});

test('a payment that runs out leads back to the price', async () => {
  const till = new Checkout(
    ports({ buy: () => Promise.resolve(purchase('pending')), purchase: () => Promise.resolve(purchase('expired')) }),
  );
  till.begin(title, offer);
  await till.pay();
  await vi.waitFor(() => expect(till.setback).toBe('expired'));
  expect(till.step).toBe('pay');
});

test('an order that came to nothing because the membership changed leads to the price that holds now', async () => {
  const cheaper = { ...title, offers: [{ ...offer, price: yuan(900) }] };
  const changed = vi.fn(() => Promise.resolve());
  const till = new Checkout(
    ports({
      buy: () => Promise.resolve(purchase('pending')),
      purchase: () => Promise.resolve({ ...purchase('expired'), closed_because: 'member_price_changed' }),
      title: () => Promise.resolve(cheaper),
      changed,
    }),
  );
  till.begin(title, offer);
  await till.pay();
  await vi.waitFor(() => expect(changed).toHaveBeenCalledOnce());
  expect([till.setback, till.step, till.was?.amount, till.to_pay?.amount, till.busy]).toEqual(['member_price_changed', 'pay', 1800, 900, false]);
});

test('an order of what members have by now leads to the film', async () => {
  const included: Title = { ...title, decision: { allow: true, via: 'membership', starts_clock: false }, offers: [] };
  const till = new Checkout(
    ports({
      buy: () => Promise.resolve({ ...purchase('declined'), closed_because: 'members_have_it' }),
      title: () => Promise.resolve(included),
    }),
  );
  till.begin(title, offer);
  await till.pay();
  expect([till.setback, till.step]).toEqual(['members_have_it', 'owned']);
});

test('what came to nothing is ordered again at the price of now, or said to be sold no more', async () => {
  const closed: Purchase = { ...purchase('expired'), closed_because: 'member_price_changed' };
  const cheaper = { ...title, offers: [{ ...offer, price: yuan(900) }] };
  const orders: unknown[] = [];
  const buy: CheckoutPorts['buy'] = (order) => {
    orders.push(order);
    return Promise.resolve(purchase('paid'));
  };
  const till = new Checkout(ports({ title: () => Promise.resolve(cheaper), buy }));
  await till.again(closed);
  expect([till.opened, till.step, till.offer?.id, till.to_pay?.amount, till.setback]).toEqual([true, 'pay', 'off_1', 900, null]);
  await till.pay();
  expect([orders, till.step]).toEqual([[{ offer_id: 'off_1' }], 'paid']);
  const gone = new Checkout(ports({ title: refuse('TITLE_WITHDRAWN') }));
  await gone.again(closed);
  expect([gone.opened, gone.refused?.code, gone.to_pay]).toEqual([true, 'TITLE_WITHDRAWN', null]);
});

test('a payment that is under way already is taken up instead of refused', async () => {
  const till = new Checkout(
    ports({
      buy: refuse('PURCHASE_PENDING'),
      newest: () => Promise.resolve([purchase('pending')]),
      purchase: () => new Promise(() => undefined),
    }),
  );
  till.begin(title, offer);
  await till.pay();
  expect([till.step, till.purchase?.id]).toEqual(['waiting', 'pur_1']);
});

test('pressing the price of a pending purchase again shows that purchase', async () => {
  const till = new Checkout(
    ports({ buy: () => Promise.resolve(purchase('pending')), purchase: () => new Promise(() => undefined) }),
  );
  till.begin(title, offer);
  await till.pay();
  till.opened = false;
  till.begin(title, offer);
  expect([till.opened, till.step]).toEqual([true, 'waiting']);
});

test('what members get within a day is paid for by who has ticked that, and says which instant', async () => {
  const orders: unknown[] = [];
  const buy: CheckoutPorts['buy'] = (order) => {
    orders.push(order);
    return Promise.resolve(purchase('paid'));
  };
  const till = new Checkout(ports({ buy, quote: () => Promise.resolve(quoted('2027-01-02T16:00:00Z')) }));
  till.begin(title, offer);
  await vi.waitFor(() => expect(till.members_from_at).toBe('2027-01-02T16:00:00Z'));
  expect([till.is_accepted, till.unaccepted]).toEqual([false, false]);
  await till.pay();
  expect([orders.length, till.step, till.unaccepted]).toEqual([0, 'pay', true]);
  till.accept(true);
  expect([till.is_accepted, till.unaccepted]).toEqual([true, false]);
  till.accept(false);
  await till.pay();
  expect([orders.length, till.unaccepted]).toEqual([0, true]);
  till.accept(true);
  await till.pay();
  expect(orders).toEqual([{ offer_id: 'off_1', accepted_members_from_at: '2027-01-02T16:00:00Z' }]);
  expect(till.step).toBe('paid');
});

test('a page that was open before that was near is told by the refusal, and a nearer instant is ticked again', async () => {
  const orders: unknown[] = [];
  const keys: string[] = [];
  const soon = (opens_at: string) => Promise.reject(new Failure({ code: 'MEMBERS_SOON', means: 'HTTP_409', next: [{ action: 'wait', opens_at }] }));
  const answers = [() => soon('2027-01-02T16:00:00Z'), () => soon('2027-01-02T12:00:00Z'), () => Promise.resolve(purchase('paid'))];
  const buy: CheckoutPorts['buy'] = (order, _outcome, key) => {
    orders.push(order);
    keys.push(key);
    return answers[keys.length - 1]?.() ?? Promise.reject(new Error('one too many'));
  };
  const till = new Checkout(ports({ buy }));
  till.begin(title, offer);
  expect([till.members_from_at, till.is_accepted]).toEqual([null, true]);
  await till.pay();
  expect([till.setback, till.members_from_at, till.is_accepted, till.step]).toEqual(['members_soon', '2027-01-02T16:00:00Z', false, 'pay']);
  till.accept(true);
  await till.pay();
  expect([till.setback, till.members_from_at, till.is_accepted]).toEqual(['members_soon', '2027-01-02T12:00:00Z', false]);
  till.accept(true);
  await till.pay();
  expect(orders).toEqual([
    { offer_id: 'off_1' },
    { offer_id: 'off_1', accepted_members_from_at: '2027-01-02T16:00:00Z' },
    { offer_id: 'off_1', accepted_members_from_at: '2027-01-02T12:00:00Z' },
  ]);
  expect([new Set(keys).size, till.step, till.setback]).toEqual([3, 'paid', null]);
  till.begin(title, offer);
  expect(till.members_from_at).toBeNull();
});

test('a quote says it once who pays is known, of a coupon, of a bundle, and of nothing that was closed since', async () => {
  const asked: unknown[] = [];
  const answers: ((quote: Quote) => void)[] = [];
  const quote: CheckoutPorts['quote'] = (order) => {
    asked.push(order);
    return new Promise((resolve) => answers.push(resolve));
  };
  let is_in = false;
  const till = new Checkout(ports({ quote, signed_in: () => is_in }));
  till.begin(title, offer);
  expect(asked).toEqual([]);
  const signed = till.signedIn();
  await vi.waitFor(() => expect(asked).toEqual([{ offer_id: 'off_1' }]));
  answers[0]?.(quoted('2027-01-02T16:00:00Z'));
  await signed;
  expect([till.members_from_at, till.is_accepted]).toEqual(['2027-01-02T16:00:00Z', false]);
  const applied = till.apply('half');
  answers[1]?.(quoted('2027-01-02T12:00:00Z'));
  await applied;
  expect(till.members_from_at).toBe('2027-01-02T12:00:00Z');
  is_in = true;
  till.begin(title, offer);
  till.beginProduct(bundle);
  expect(asked.slice(2)).toEqual([{ offer_id: 'off_1' }, { product_id: 'prd_1' }]);
  answers[3]?.(quoted(null));
  answers[2]?.(quoted('2027-01-02T16:00:00Z'));
  await new Promise((done) => setTimeout(done));
  expect(till.members_from_at).toBeNull();
});

test('an order that may have arrived is asked for again as it was, whatever a quote says since', async () => {
  const orders: unknown[] = [];
  let answer: (quote: Quote) => void = () => undefined;
  const buy: CheckoutPorts['buy'] = (order) => {
    orders.push(order);
    return orders.length === 1 ? refuse('NETWORK')() : Promise.resolve(purchase('paid'));
  };
  const till = new Checkout(ports({ buy, quote: () => new Promise((resolve) => (answer = resolve)) }));
  till.begin(title, offer);
  await till.pay();
  answer(quoted('2027-01-02T16:00:00Z'));
  await new Promise((done) => setTimeout(done));
  expect([till.setback, till.members_from_at, till.is_accepted]).toEqual(['network', null, true]);
  await till.pay();
  expect([orders, till.step]).toEqual([[{ offer_id: 'off_1' }, { offer_id: 'off_1' }], 'paid']);
});

const bundle: Product = {
  id: 'prd_1',
  name: {},
  price: yuan(3000),
  gives: { kind: 'bundle', titles: [] },
  sold_until: null,
};

test('a coupon is asked about before the order, goes with it, and is dropped when it is refused', async () => {
  const orders: unknown[] = [];
  const quote = vi.fn(() => Promise.resolve({ price: yuan(900), discount: yuan(900), is_member_price: false }));
  const buy: CheckoutPorts['buy'] = (order) => {
    orders.push(order);
    return orders.length === 1 ? refuse('COUPON_EXHAUSTED')() : Promise.resolve(purchase('paid'));
  };
  const till = new Checkout(ports({ quote, buy }));
  till.begin(title, offer);
  await till.apply(' half ');
  expect(quote).toHaveBeenCalledWith({ offer_id: 'off_1', coupon: 'half' });
  expect([till.coupon?.code, till.to_pay?.amount, till.price?.amount]).toEqual(['HALF', 900, 1800]);
  await till.pay();
  expect([till.coupon, till.coupon_trouble?.code, till.to_pay?.amount, till.step]).toEqual([null, 'COUPON_EXHAUSTED', 1800, 'pay']);
  await till.pay();
  expect(orders).toEqual([{ offer_id: 'off_1', coupon: 'HALF' }, { offer_id: 'off_1' }]);
  expect(till.step).toBe('paid');
});

test('a bundle that is owned in part is refused before anybody chooses how to pay', async () => {
  const till = new Checkout(ports({ quote: refuse('BUNDLE_OWNED_IN_PART') }));
  till.beginProduct(bundle);
  await vi.waitFor(() => expect(till.refused?.code).toBe('BUNDLE_OWNED_IN_PART'));
  till.begin(title, offer);
  expect([till.refused, till.product]).toEqual([null, null]);
});

test('who joins for a film and is a member after signing in pays nothing', async () => {
  const included: Title = { ...title, decision: { allow: true, via: 'membership', starts_clock: false } };
  const month: Product = { ...bundle, gives: { kind: 'membership', plan_id: 'pln_1', days: 30 } };
  const till = new Checkout(ports({ signed_in: () => false, title: () => Promise.resolve(included) }));
  till.join(title);
  expect(till.step).toBe('choose');
  till.beginProduct(month, till.errand);
  expect(till.step).toBe('account');
  await till.signedIn();
  expect(till.step).toBe('owned');
});

test('whoever rents a film may still buy it for good', async () => {
  const keep: Offer = { ...offer, id: 'off_2', kind: 'buy', watch_hours: null };
  const rented: Title = { ...title, decision: { allow: true, via: 'grant', ends_at: '2027-01-03T00:00:00Z', starts_clock: false }, offers: [keep] };
  const till = new Checkout(ports({ signed_in: () => false, title: () => Promise.resolve(rented) }));
  till.begin(title, keep);
  await till.signedIn();
  expect([till.step, till.offer?.id]).toEqual(['pay', 'off_2']);
  const kept: Title = { ...rented, decision: { allow: true, via: 'grant', ends_at: null, starts_clock: false } };
  const owner = new Checkout(ports({ signed_in: () => false, title: () => Promise.resolve(kept) }));
  owner.begin(title, keep);
  await owner.signedIn();
  expect(owner.step).toBe('owned');
});
