// The period in which a channel may show a title of a showcase, in words. It is no schedule.

import type { Airing } from './api';
import { instant } from './format';
import type { Locale, Words } from './words';

export function airingText({ starts_at, ends_at }: Airing, words: Words, locale: Locale, now: Date): string {
  const to = ends_at === null ? null : instant(ends_at, locale);
  if (Date.parse(starts_at) > now.getTime()) {
    const from = instant(starts_at, locale);
    return to === null ? words.airing_from(from) : words.airing_from_to(from, to);
  }
  if (to === null) return words.airing_now;
  return Date.parse(ends_at ?? '') > now.getTime() ? words.airing_now_to(to) : words.airing_over(to);
}
