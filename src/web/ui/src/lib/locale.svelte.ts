// The language of the page: chosen by the viewer, else by the browser. Switching needs no reload.

import { catalogues, type Locale, type Words } from './words';

const STORED_AS = 'marquee.locale';

function initial(): Locale {
  const stored = localStorage.getItem(STORED_AS);
  if (stored === 'zh-CN' || stored === 'en') return stored;
  return navigator.languages.find((tag) => /^(zh|en)\b/i.test(tag))?.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en';
}

class Language {
  current: Locale = $state(initial());
  readonly words: Words = $derived(catalogues[this.current]);

  choose(locale: Locale): void {
    this.current = locale;
    localStorage.setItem(STORED_AS, locale);
  }
}

export const language = new Language();
