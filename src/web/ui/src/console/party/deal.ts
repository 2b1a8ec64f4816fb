// Deals as parties see them, and the bars of a plan that is looked at and not changed.

import { instant } from '../../lib/format';
import type { Locale, Shape } from '../../lib/words/shape';
import type { Avail, LicenseType, Territories } from '../api/catalogue';
import type { PartyDeal } from '../api/party';
import { spanOf, type Span } from '../catalogue/lanes';
import type { en } from '../words/partners';

/** What is asked of a deal to say how its opening went. */
export function openingOf<Deal extends Pick<PartyDeal, 'start_at' | 'opened_at'>>(deal: Deal): Deal & { drift_ms: number | null } {
  return { ...deal, drift_ms: deal.opened_at === null ? null : Date.parse(deal.opened_at) - Date.parse(deal.start_at) };
}

/** Territories come one by one from the party's routes. */
export const placesOf = (territories: string[] | Territories): Territories =>
  Array.isArray(territories) ? { include: territories, exclude: [] } : territories;

export function spanText({ start_at, end_at, zone }: { start_at: string; end_at: string | null; zone: string }, words: Shape<typeof en>, locale: Locale): string {
  const from = instant(start_at, locale, zone);
  return end_at === null ? words.span_open(from) : words.span(from, instant(end_at, locale, zone));
}

export interface Bar extends Span {
  key: string;
  tone: LicenseType | 'deal';
  text: string;
  /** With when, for who hears it. */
  whole: string;
  href?: string;
}

export interface Lane {
  key: string;
  name: string;
  bars: Bar[];
}

/** Null where it would have ended before it began. */
export function barOf(what: Pick<Avail, 'start_at' | 'end_at'>, rest: Omit<Bar, keyof Span>): Bar | null {
  const span = spanOf({ ...what, revoked_at: null });
  return span && { ...span, ...rest };
}
