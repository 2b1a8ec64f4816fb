// Who is looking at the page. `revision` counts sign-ins, sign-outs and purchases: what depends on them loads again.

import { language } from './locale.svelte';
import { api, type Me, type Viewer } from './api';

class Caller {
  me: Me | null = $state(null);
  revision = $state(0);
  readonly viewer: Viewer | null = $derived(this.me?.viewer ?? null);
  /** Nothing is said about money before the server has answered. */
  readonly testMode: boolean = $derived(this.me !== null && !this.me.livemode);

  async load(): Promise<void> {
    this.me = await api.me();
    language.suggest(this.me.viewer?.language);
  }

  async changed(): Promise<void> {
    await this.load();
    this.revision += 1;
  }
}

export const caller = new Caller();
