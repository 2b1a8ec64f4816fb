// The page's one checkout.

import { api } from './api';
import { catalogue } from './catalogue.svelte';
import { Checkout } from './checkout.svelte';
import { caller } from './me.svelte';

export const till = new Checkout({
  signed_in: () => caller.viewer !== null,
  title: (title_id) => catalogue.loadTitle(title_id),
  buy: api.buy,
  purchase: api.purchase,
  newest: async () => (await api.purchases(null)).data,
  changed: () => caller.changed(),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
});
