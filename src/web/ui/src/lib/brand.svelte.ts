// The brand that this host is: its name, its colour, its languages, and whether it sells where the viewer is.

import { api, type Storefront } from './api';
import { localized } from './format';
import { language } from './locale.svelte';
import { theme } from './theme.svelte';

class Brand {
  storefront: Storefront | null = $state(null);
  readonly name: string = $derived(localized(this.storefront?.name, language.current) || language.words.product);
  readonly tagline: string = $derived(localized(this.storefront?.tagline, language.current));
  /** Nothing is said about money before the server has answered. */
  readonly testMode: boolean = $derived(this.storefront !== null && !this.storefront.livemode);

  async load(): Promise<void> {
    const storefront = await api.storefront();
    language.offer(storefront.languages);
    theme.suggest(storefront.theme);
    paint(storefront.accent);
    this.storefront = storefront;
  }
}

function paint(accent: string): void {
  if (!/^#[0-9a-f]{6}$/i.test(accent)) return;
  document.documentElement.style.setProperty('--brand', accent);
  let meta = document.querySelector<HTMLMetaElement>('meta[name=theme-color]');
  if (!meta) {
    meta = document.createElement('meta');
    meta.name = 'theme-color';
    document.head.append(meta);
  }
  meta.content = accent;
}

export const brand = new Brand();
