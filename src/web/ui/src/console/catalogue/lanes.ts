// What stands on the timeline beside our own windows: a lane for each other party with its deals, and one for each
// holdback with what it counts from and when it lets go.

import type { Avail, Holdback } from '../api/catalogue';
import type { Deal } from '../api/partners';
import { contains } from '../entry/territory';

/** `[from, to)` in milliseconds; without an end it goes on. */
export interface Span {
  from: number;
  to: number | null;
}

export interface DealBar extends Span {
  deal: Deal;
}

export interface PartyLane {
  party_id: string;
  party: string;
  /** Deals that overlap stand in rows below each other. */
  rows: DealBar[][];
}

export interface HoldbackLane {
  holdback: Holdback;
  /** What it counts from; `null` where that is not planned. */
  event_at: number | null;
  /** When it lets go; `null` where nobody knows. */
  lifts_at: number | null;
}

/** When a deal runs; one that was taken back ran until then, and not at all where that was before it began. */
export function spanOf({ start_at, end_at, revoked_at }: Pick<Deal, 'start_at' | 'end_at' | 'revoked_at'>): Span | null {
  const from = Date.parse(start_at);
  const ends = [end_at, revoked_at ?? null].filter((end) => end !== null).map((end) => Date.parse(end));
  const to = ends.length === 0 ? null : Math.min(...ends);
  return to !== null && to <= from ? null : { from, to };
}

/** The same in as few rows as hold them without any two that meet; the earliest first. */
export function packed<T extends Span>(spans: readonly T[]): T[][] {
  const rows: T[][] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const free = rows.find((row) => {
      const last = row.at(-1);
      return last !== undefined && last.to !== null && last.to <= span.from;
    });
    if (free) free.push(span);
    else rows.push([span]);
  }
  return rows;
}

/** Whoever opens first comes first. */
export function partyLanes(deals: readonly Deal[]): PartyLane[] {
  const by_party = new Map<string, DealBar[]>();
  const sorted = [...deals].sort((a, b) => a.start_at.localeCompare(b.start_at));
  for (const deal of sorted) {
    const span = spanOf(deal);
    if (span) by_party.set(deal.party_id, [...(by_party.get(deal.party_id) ?? []), { ...span, deal }]);
  }
  return [...by_party].map(([party_id, bars]) => ({ party_id, party: bars[0]?.deal.party_name ?? '', rows: packed(bars) }));
}

export function holdbackLanes(holdbacks: readonly Holdback[], avails: readonly Avail[]): HoldbackLane[] {
  return holdbacks.map((holdback) => ({
    holdback,
    event_at: eventAt(holdback, avails),
    lifts_at: holdback.lifts_at === null ? null : Date.parse(holdback.lifts_at),
  }));
}

function eventAt({ event, event_at }: Holdback, avails: readonly Avail[]): number | null {
  if (event.kind === 'cinema_opening') return Date.parse(event.opens_at);
  if (event.kind === 'deal_opening') return event_at === null ? null : Date.parse(event_at);
  const starts = avails
    .filter((avail) => avail.license_type === event.license_type && contains(avail.territories, event.territory))
    .map((avail) => Date.parse(avail.start_at));
  return starts.length === 0 ? null : Math.min(...starts);
}

/** Everything that has to be in sight. */
export function stretchesOf(parties: readonly PartyLane[], holdbacks: readonly HoldbackLane[]): { start_at: string; end_at: string | null }[] {
  const text = (ms: number) => new Date(ms).toISOString();
  const deals = parties.flatMap(({ rows }) => rows.flat()).map(({ from, to }) => ({ start_at: text(from), end_at: to === null ? null : text(to) }));
  const held = holdbacks.flatMap(({ event_at, lifts_at }) => {
    const known = [event_at, lifts_at].filter((at) => at !== null);
    return known.length === 0 ? [] : [{ start_at: text(Math.min(...known)), end_at: text(Math.max(...known)) }];
  });
  return [...deals, ...held];
}
