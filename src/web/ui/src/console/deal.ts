// A deal in words: how the party shows the title, who else may meanwhile, and whether it opened as agreed.

import type { Tone } from '../kit/Badge.svelte';
import type { IconName } from '../kit/icons';
import { duration, money } from '../lib/format';
import type { Locale, Shape } from '../lib/words/shape';
import type { CarriageKind, Deal, Party, PartyKind } from './api/partners';
import type { en } from './words/partners';

type Words = Shape<typeof en>;

export interface Premiere {
  text: string;
  tone: Tone;
  icon: IconName;
}

/** How the opening went; how the deal stands where nothing was said about it. */
export function premiereOf(deal: Pick<Deal, 'alarm' | 'drift_ms' | 'opened_at' | 'start_at' | 'end_at' | 'revoked_at'>, words: Words, locale: Locale, now = Date.now()): Premiere {
  if (deal.revoked_at != null) return { text: words.revoked, tone: 'bad', icon: 'close' };
  const span = duration(Math.abs(deal.drift_ms ?? 0), locale);
  switch (deal.alarm) {
    case 'early':
      return { text: words.early(span), tone: 'warn', icon: 'alert' };
    case 'late':
      return { text: words.late(span), tone: 'warn', icon: 'alert' };
    case 'unreported':
      return { text: words.unreported, tone: 'bad', icon: 'alert' };
  }
  if (deal.end_at !== null && Date.parse(deal.end_at) <= now) return { text: words.over, tone: 'neutral', icon: 'minus' };
  if (deal.opened_at !== null) return { text: words.on_time, tone: 'good', icon: 'check' };
  if (Date.parse(deal.start_at) > now) return { text: words.ahead, tone: 'neutral', icon: 'clock' };
  return { text: words.showing, tone: 'info', icon: 'play' };
}

/** What the deal is, and what else there is to know of it. */
export function carriageText({ carriage }: Pick<Deal, 'carriage'>, words: Words, locale: Locale): { what: string; more: string } {
  switch (carriage.kind) {
    case 'platform': {
      const { license_type, price, streams } = carriage;
      const more = [price === null ? '' : money(price, locale), streams === null ? words.say_delivers : words.say_streams(streams)];
      return { what: words.say_platform(words[`medium_${license_type}`]), more: more.filter((each) => each !== '').join(words.comma) };
    }
    case 'cinema':
      return { what: words.say_cinema, more: '' };
    case 'broadcast':
      return { what: words.say_broadcast(carriage.channel, carriage.runs), more: [words.say_clearance(carriage.clearance), ...(carriage.catch_up ? [words.say_catch_up] : [])].join(words.comma) };
  }
}

/** '' where anybody may show it meanwhile. */
export function exclusivityText({ exclusivity }: Pick<Deal, 'exclusivity'>, nameOf: (party_id: string) => string, words: Words, locale: Locale): string {
  if (exclusivity === null) return '';
  const list = (names: string[]) => new Intl.ListFormat(locale, { type: 'conjunction' }).format(names);
  const media = list((exclusivity.media ?? []).map((medium) => words[`medium_${medium}`]));
  const names = [...(exclusivity.with ?? []).map(nameOf), ...(exclusivity.with_us ? [words.us] : [])];
  return names.length === 0 ? words.say_alone(media) : words.say_shared(list(names), media);
}

/** How a party of this kind shows titles, mostly. */
export function usualCarriage(kind: PartyKind): CarriageKind {
  return kind === 'circuit' ? 'cinema' : kind === 'broadcaster' ? 'broadcast' : 'platform';
}

export const partyName = (parties: readonly Party[] | null, id: string | null | undefined): string =>
  parties?.find((party) => party.id === id)?.name ?? id ?? '';

/** A whole number of at least 1; `null` for anything else. */
export const counted = (text: string): number | null => (/^[1-9]\d{0,5}$/.test(text.trim()) ? Number(text) : null);
