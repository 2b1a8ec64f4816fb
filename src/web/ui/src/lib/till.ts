// The page's one checkout.

import { api } from './api';
import { catalogue } from './catalogue.svelte';
import { Checkout } from './checkout.svelte';
import { caller } from './me.svelte';
import { counter } from './counter.svelte';

export const till = new Checkout({
  signed_in: () => caller.viewer !== null,
  title: (title_id) => catalogue.loadTitle(title_id),
  product: (product_id) => counter.find(product_id),
  quote: api.quote,
  buy: api.buy,
  purchase: api.purchase,
  newest: async () => (await api.purchases(null)).data,
  changed: () => caller.changed(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
