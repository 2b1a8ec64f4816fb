// Today's figures, as one moment of the ledger, the orders and the sessions. `docs/metrics.md` defines each number.

import { operator, queryOf, type Localized, type Money } from '../api';

export interface Figure {
  value: number;
  /** At the same time of day a week ago; none where there was no data yet. */
  last_week: number | null;
  /** 0.12 is 12 % more. */
  change: number | null;
}

/** A share from 0 to 1; none where there is nothing to divide by. */
export type RatioFigure = Omit<Figure, 'value'> & { value: number | null };

export interface Hour {
  start_at: string;
  gross: number;
  orders: number;
}

export interface Ranked {
  title_id: string;
  name: Localized;
  poster_url: string | null;
  gross: number;
  orders: number;
  /** 0 to 1. */
  share: number;
  viewers_now: number;
}

export type Level = 'good' | 'warn' | 'bad';
export type Facts = Record<string, unknown>;

export interface Hand {
  code: string;
  level: Level;
  title_id: string | null;
  subject: string | null;
  at: string | null;
  facts: Facts;
}

export interface Funnel {
  checkouts: number;
  paid: number;
  first_plays: number;
  half_watched: number;
  completed: number;
}

/** Money is in minor units of `currency`. */
export interface Board {
  at: string;
  zone: string;
  currency: string;
  /** Those in which something has been sold. */
  currencies: string[];
  day_start_at: string;
  gross: Figure;
  refunds: Figure;
  net: Figure;
  orders: Figure;
  /** Paid of begun checkouts. */
  conversion: RatioFigure;
  viewers_now: Figure;
  play_starts: Figure;
  start_failures: Figure;
  by_hour: Hour[];
  by_hour_last_week: Hour[];
  ranking: Ranked[];
  health: { level: Level; code: string; facts: Facts };
  hand: Hand[];
  funnel: Funnel;
}

export interface Order {
  id: string;
  title_id: string | null;
  name: Localized;
  price: Money;
  viewer_hint: string | null;
  at: string;
  status: string;
}

interface PurchaseRow {
  id: string;
  status: string;
  title_id: string | null;
  name: Localized;
  viewer_email: string | null;
  price: Money;
  created_at: string;
}

/** Enough of an address to tell two orders apart, and no more: `a…@e…`. */
export function hintOf(email: string | null): string {
  const [name = '', host = ''] = (email ?? '').split('@');
  return email === null ? '' : `${[...name][0] ?? ''}…@${[...host][0] ?? ''}…`;
}

/** The orders before the feed began to tell of them, newest first. */
export async function recentOrders(limit: number, signal: AbortSignal): Promise<Order[]> {
  const { data } = await operator.page<PurchaseRow>(`/purchases${queryOf({ limit })}`, null, { signal });
  return data.map((row) => ({
    id: row.id,
    title_id: row.title_id,
    name: row.name,
    price: row.price,
    viewer_hint: hintOf(row.viewer_email),
    at: row.created_at,
    status: row.status,
  }));
}
