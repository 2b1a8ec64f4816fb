// What a price buys, in words, before any of its clocks starts.

import type { Offer, Title } from './api';
import { duration, instant, price } from './format';
import type { Locale, Words } from './words';

const HOUR_MS = 3_600_000;

/** What is sold, by its name. */
export function kindName(offer: Pick<Offer, 'kind' | 'presale'>, words: Words): string {
  return offer.presale ? words.kind_presale : words[`kind_${offer.kind}`];
}

/** What its button says. */
export function pressText(offer: Pick<Offer, 'kind' | 'presale' | 'price'>, words: Words, locale: Locale): string {
  const text = price(offer.price, locale);
  if (offer.presale) return words.preorder(text);
  return offer.kind === 'buy' ? words.buy_for_good(text) : offer.kind === 'pvod' ? words.buy(text) : words.rent(text);
}

export function termsOf(offer: Offer, title: Pick<Title, 'windows'>, words: Words, locale: Locale): string[] {
  const terms: string[] = [];
  const watch = span((offer.watch_hours ?? 0) * HOUR_MS, words, locale);
  if (offer.watch_hours === null) {
    terms.push(offer.presale ? words.clock_forever_preorder : words.clock_forever);
  } else if (offer.start_within_days) {
    const days = span(offer.start_within_days * 24 * HOUR_MS, words, locale);
    terms.push(offer.presale ? words.clock_start_preorder(days) : words.clock_start(days), words.clock_watch(watch));
  } else if (offer.until_members) {
    const opens = title.windows?.find((window) => window.license_type === 'svod' && window.start_at > offer.opens_at);
    terms.push(opens ? words.clock_early_until(instant(opens.start_at, locale)) : words.clock_early(watch));
  } else {
    terms.push(offer.presale ? words.clock_preorder(watch) : words.clock_buy(watch));
  }
  const sold_as = offer.kind === 'buy' ? 'est' : 'vod';
  const sold = title.windows?.find((window) => window.license_type === sold_as && window.start_at === offer.opens_at);
  if (sold?.hard_end_at) terms.push(words.clock_hard_end(instant(sold.hard_end_at, locale)));
  return terms;
}

/** 48 hours are said as they are sold; longer and whole days are days. */
function span(ms: number, words: Words, locale: Locale): string {
  const hours = ms / HOUR_MS;
  if (hours > 72 && hours % 24 === 0) return words.days(hours / 24);
  if (Number.isInteger(hours) && hours > 0) return words.hours(hours);
  return duration(ms, locale);
}
