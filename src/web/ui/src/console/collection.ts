// The order of a collection's titles, when it is shown, and which of its titles a showcase may not air.

import type { Collection } from './api/collections';
import type { Deal } from './api/partners';

/** One place up or down; what is at the end stays. */
export function moved(ids: readonly string[], id: string, by: -1 | 1): string[] {
  const from = ids.indexOf(id);
  const to = from + by;
  const next = [...ids];
  if (from < 0 || to < 0 || to >= ids.length) return next;
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
}

export function phaseOf({ start_at, end_at }: Pick<Collection, 'start_at' | 'end_at'>, now = Date.now()): 'ahead' | 'open' | 'over' {
  if (end_at !== null && Date.parse(end_at) <= now) return 'over';
  return Date.parse(start_at) <= now ? 'open' : 'ahead';
}

/** How many titles of a showcase no deal puts on its channel. */
export function lacking({ airings }: Pick<Collection, 'airings'>): number {
  return airings.filter(({ deal_id }) => deal_id === null).length;
}

/** The channels that a broadcaster's deals name, each once. */
export function channelsOf(deals: readonly Pick<Deal, 'party_id' | 'carriage'>[], party_id: string): string[] {
  const named = deals.flatMap(({ party_id: its, carriage }) => (its === party_id && carriage.kind === 'broadcast' ? [carriage.channel] : []));
  return [...new Set(named)].sort((a, b) => a.localeCompare(b));
}
