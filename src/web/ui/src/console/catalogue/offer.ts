// What an offer gives, in words.

import { duration, instant, money } from '../../lib/format';
import type { CommonWords } from '../../lib/words';
import type { Locale, Shape } from '../../lib/words/shape';
import { offerKinds, type Avail, type Clock, type LicenseType, type Offer, type OfferKind } from '../api/catalogue';
import type { en } from '../words/windows';

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;

export function clockText(clock: Clock, words: Shape<typeof en>, common: CommonWords): string {
  if ('forever' in clock) return words.say_forever;
  if ('on_purchase' in clock) return words.say_on_purchase(common.hours(hours(clock.on_purchase.watch_s)));
  if ('until_members' in clock) return words.say_until_members(common.hours(hours(clock.until_members.watch_s)));
  const { start_within_s, watch_s } = clock.on_first_play;
  return words.say_on_first_play(common.days(days(start_within_s)), common.hours(hours(watch_s)));
}

export const hours = (seconds: number): number => Math.round((seconds / HOUR_S) * 10) / 10;
export const days = (seconds: number): number => Math.round((seconds / DAY_S) * 10) / 10;

/** Those of what ends, to choose from; what is bought for good has one clock and no choice. */
export const clockKinds = ['on_purchase', 'on_first_play', 'until_members'] as const;
export type ClockKind = (typeof clockKinds)[number];

/** What may be sold in such a window. */
export function kindsIn(type: LicenseType): readonly OfferKind[] {
  return offerKinds.filter((kind) => (kind === 'buy') === (type === 'est'));
}

export function kindOf(clock: Clock): ClockKind {
  return clockKinds.find((kind) => kind in clock) ?? 'on_purchase';
}

export function clockOf(kind: ClockKind, watch_hours: number, start_days: number): Clock {
  const watch_s = watch_hours * HOUR_S;
  if (kind === 'on_purchase') return { on_purchase: { watch_s } };
  if (kind === 'until_members') return { until_members: { watch_s } };
  return { on_first_play: { start_within_s: start_days * DAY_S, watch_s } };
}

/** In which a time before the end of a window is typed. */
export const cutoffUnits = ['minutes', 'hours'] as const;
export type CutoffUnit = (typeof cutoffUnits)[number];
const CUTOFF_S: Record<CutoffUnit, number> = { minutes: 60, hours: HOUR_S };
const CUTOFF_S_MAX = 30 * DAY_S;

/** As it is typed: in hours where these are whole. */
export function typedCutoff(seconds: number): { text: string; unit: CutoffUnit } {
  const unit = seconds % HOUR_S === 0 ? 'hours' : 'minutes';
  return { text: seconds === 0 ? '' : String(seconds / CUTOFF_S[unit]), unit };
}

/** In whole seconds; null where that is no time, or more than 30 days. Nothing typed is none. */
export function parseCutoff(text: string, unit: CutoffUnit): number | null {
  const trimmed = text.normalize('NFKC').trim();
  if (trimmed === '') return 0;
  if (!/^\d{1,5}(\.\d{1,4})?$/.test(trimmed)) return null;
  const seconds = Math.round(Number(trimmed) * CUTOFF_S[unit]);
  return seconds <= CUTOFF_S_MAX ? seconds : null;
}

/** When it is sold no more, before its window's end or a hard end that is earlier; null where there is neither. */
export function salesEnd({ end_at, hard_end_at }: Pick<Avail, 'end_at' | 'hard_end_at'>, sales_cutoff_s: number): number | null {
  const ends = [end_at, hard_end_at].filter((end) => end !== null).map((end) => Date.parse(end));
  return ends.length === 0 ? null : Math.min(...ends) - sales_cutoff_s * 1_000;
}

/** Everything but the price. */
export function termsText(offer: Offer, zone: string, words: Shape<typeof en>, common: CommonWords, locale: Locale): string {
  return [
    clockText(offer.clock, words, common),
    words.say_streams(offer.streams),
    offer.presale_from_at ? words.say_presale(instant(offer.presale_from_at, locale, zone)) : '',
    offer.sales_cutoff_s > 0 ? words.say_cutoff(duration(offer.sales_cutoff_s * 1_000, locale)) : '',
    offer.withdrawn_at ? words.withdrawn(instant(offer.withdrawn_at, locale, zone)) : '',
  ]
    .filter((text) => text !== '')
    .join(' · ');
}

export function memberText(offer: Pick<Offer, 'member_price'>, words: Shape<typeof en>, locale: Locale): string {
  return offer.member_price ? words.say_member(money(offer.member_price, locale)) : '';
}
