// The page's one way into a locked episode.

import { api } from './api';
import { catalogue } from './catalogue.svelte';
import { language } from './locale.svelte';
import { caller } from './me.svelte';
import { Unlocking } from './unlocking.svelte';

export const turnstile = new Unlocking({
  signed_in: () => caller.viewer !== null,
  title: (title_id) => catalogue.loadTitle(title_id),
  wallet: api.wallet,
  setAutoUnlock: api.setAutoUnlock,
  unlock: (title_id, part, coins) => api.unlock(title_id, part, coins, caller.viewer?.language ?? language.current),
  changed: () => caller.changed(),
});
