// The language of the page: chosen by the viewer, else by the browser. Switching needs no reload.

import * as common from './words/common';
import { catalogues, locales, type CommonWords, type Locale, type Words } from './words';

const STORED_AS = 'marquee.locale';

function stored(): Locale | null {
  const kept = localStorage.getItem(STORED_AS);
  return locales.find((locale) => locale === kept) ?? null;
}

/** The browser's first language that is among `offered`, else the first offered. */
function preferred(offered: readonly Locale[]): Locale {
  for (const tag of navigator.languages) {
    const found = offered.find((locale) => locale.split('-')[0] === tag.split('-')[0]?.toLowerCase());
    if (found) return found;
  }
  return offered[0] ?? 'en';
}

class Language {
  current: Locale = $state(stored() ?? preferred(['en', 'zh-CN']));
  /** What there is to choose from. */
  offered: readonly Locale[] = $state(locales);
  /** The storefront's words. The console has its own, by area, in `console/words/`. */
  readonly words: Words = $derived(catalogues[this.current]);
  /** The words of the kit, the same in both documents. */
  readonly common: CommonWords = $derived(this.current === 'zh-CN' ? common.zh : common.en);

  /** The languages of a brand, its own first; a choice that is not among them does not count. */
  offer(tags: readonly string[]): void {
    const offered = tags.flatMap((tag) => locales.find((locale) => locale === tag) ?? []);
    if (offered.length === 0) return;
    this.offered = offered;
    const kept = stored();
    this.current = kept !== null && offered.includes(kept) ? kept : preferred(offered);
  }

  /** The choice that an account keeps; one made in this browser goes before it. */
  suggest(tag: string | null | undefined): void {
    const found = this.offered.find((locale) => locale === tag);
    if (found && stored() === null) this.current = found;
  }

  choose(locale: Locale): void {
    this.current = locale;
    localStorage.setItem(STORED_AS, locale);
  }
}

export const language = new Language();
