// When a channel shows a title of a showcase, in words: the runs that are settled, or else the period in which it may.

import type { Airing } from './api';
import { instant } from './format';
import type { Locale, Words } from './words';

/** A line for each run that is not over; where there is none, one of the period, in which others may be settled yet. */
export function airingTexts({ starts_at, ends_at, slots }: Airing, words: Words, locale: Locale, now: Date): string[] {
  const ahead = slots.filter(({ end_at }) => Date.parse(end_at) > now.getTime());
  if (ahead.length > 0) return ahead.map(({ start_at, end_at }) => words.airing_slot(instant(start_at, locale), instant(end_at, locale)));
  const to = ends_at === null ? null : instant(ends_at, locale);
  if (Date.parse(starts_at) > now.getTime()) {
    const from = instant(starts_at, locale);
    return [to === null ? words.airing_from(from) : words.airing_from_to(from, to)];
  }
  if (to === null) return [words.airing_now];
  return [Date.parse(ends_at ?? '') > now.getTime() ? words.airing_now_to(to) : words.airing_over(to)];
}
