// What ids are called: titles once for all pages, viewers as they come up.

import { localized } from '../lib/format';
import { language } from '../lib/locale.svelte';
import { SvelteMap } from 'svelte/reactivity';
import { titleNames, viewerName, type TitleName } from './api/explain';

class Names {
  titles: readonly TitleName[] | null = $state.raw(null);
  readonly #viewers = new SvelteMap<string, string>();
  readonly #by_id = $derived(new Map((this.titles ?? []).map((title) => [title.id, title])));
  #asked = false;

  /** Asks for the titles, once; their absence shows as ids and nothing else. */
  want(): void {
    if (this.#asked) return;
    this.#asked = true;
    titleNames().then(
      (titles) => (this.titles = titles),
      () => (this.#asked = false),
    );
  }

  title(id: string | null | undefined, given?: TitleName['name']): string {
    if (given) return localized(given, language.current);
    if (!id) return '';
    return localized(this.#by_id.get(id)?.name, language.current) || id;
  }

  parts(id: string): number {
    return this.#by_id.get(id)?.assets?.length ?? 0;
  }

  poster(id: string): string | null {
    return this.#by_id.get(id)?.poster_url ?? null;
  }

  /** The address, or the id until it is known. */
  viewer(id: string): string {
    return this.#viewers.get(id) ?? id;
  }

  wantViewer(id: string): void {
    if (this.#viewers.has(id)) return;
    this.#viewers.set(id, id);
    viewerName(id).then(
      (email) => this.#viewers.set(id, email),
      () => undefined,
    );
  }
}

export const names = new Names();
