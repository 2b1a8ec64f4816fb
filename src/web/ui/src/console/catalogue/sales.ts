// The periods of a title's sales, and its refunds as the API tells them.

import { fromLocal, toLocal } from '../entry/zoned';

/** The last `days` days of the zone, today among them, as instants. */
export function periodOf(days: number, zone: string, now = new Date()): { from: string; to: string } {
  const today = toLocal(now.toISOString(), zone).slice(0, 10);
  const day = new Date(`${today}T00:00:00Z`);
  const at = (offset: number): string => {
    const shifted = new Date(day.getTime() + offset * 86_400_000).toISOString().slice(0, 10);
    const local = fromLocal(`${shifted}T00:00`, zone);
    // Where midnight is skipped the day begins an hour later.
    const later = local.ok ? local : fromLocal(`${shifted}T01:00`, zone);
    return later.ok ? later.at : new Date(day.getTime() + offset * 86_400_000).toISOString();
  };
  return { from: at(1 - days), to: at(1) };
}

/** Refunds come as a count, as an amount, or as both. */
export function refundsOf(refunds: unknown, currency: string): { count: number | null; amount: number | null } {
  if (typeof refunds === 'number') return { count: null, amount: refunds };
  if (typeof refunds !== 'object' || refunds === null) return { count: 0, amount: null };
  const told = refunds as Record<string, unknown>;
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  const nested = [told.gross, told.amount].find((value) => typeof value === 'object' && value !== null) as
    | { amount?: unknown; currency?: unknown }
    | undefined;
  const amount = nested && (nested.currency ?? currency) === currency ? number(nested.amount) : null;
  return {
    count: number(told.orders) ?? number(told.count),
    amount: amount ?? number(told.gross) ?? number(told.amount),
  };
}
