import { expect, test, vi } from 'vitest';
import type { Offer, Purchase, Title } from './api';
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
const refuse = (code: string) => () => Promise.reject(new Failure({ code }));

function ports(changes: Partial<CheckoutPorts> = {}): CheckoutPorts {
  return {
    signed_in: () => true,
    title: () => Promise.resolve(title),
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
