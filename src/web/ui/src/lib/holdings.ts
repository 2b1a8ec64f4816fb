// What a viewer has and had: purchases and redeemed codes, each with what may still be done with it.

import type { ClosedBecause, Grant, GrantRow, Localized, ProductBrief, Purchase, TitleBrief } from './api';

export type Standing =
  /** Where an outage took time, by how much `until` is later for it. */
  | { is: 'unstarted'; until: string; extended_seconds?: number }
  | { is: 'running'; until: string; extended_seconds?: number }
  /** Bought without an end. */
  | { is: 'forever' }
  /** Null where the grant does not say when its film opens. */
  | { is: 'upcoming'; opens_at: string | null }
  | { is: 'pending' }
  /** Time as a member, and coins. */
  | { is: 'member'; from: string; until: string }
  | { is: 'coins'; coins: number }
  /** The payment went back: the price was another one when it arrived. */
  | { is: 'closed'; because: ClosedBecause; at: string }
  | { is: 'expired' | 'start_by_passed' | 'revoked' | 'refunded' | 'declined' | 'payment_expired'; at: string };

export interface Holding {
  key: string;
  /** Null for time as a member, for coins, and for a bundle that gave nothing. */
  title: TitleBrief | null;
  name: Localized;
  product: ProductBrief | null;
  /** Null for what a code gave. */
  purchase: Purchase | null;
  standing: Standing;
}

export type Group = 'waiting' | 'ready' | 'besides' | 'past';

/** The newest first, in each group. */
export function holdingsOf(purchases: readonly Purchase[], grants: readonly GrantRow[]): Record<Group, Holding[]> {
  const bought = purchases.flatMap((purchase) => boughtBy(purchase, grants));
  const given = grants
    .filter((grant) => grant.purchase_id === null)
    .map((grant) => ({
      key: grant.id,
      title: grant.title,
      name: grant.title.name,
      product: null,
      purchase: null,
      standing: phaseOf(grant),
      at: grant.issued_at,
    }));
  const all = [...bought, ...given].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const of = (group: Group) => all.filter((holding) => groupOf(holding.standing) === group);
  return { waiting: of('waiting'), ready: of('ready'), besides: of('besides'), past: of('past') };
}

/** A bundle that is paid is each of its films. */
function boughtBy(purchase: Purchase, grants: readonly GrantRow[]): (Holding & { at: string })[] {
  const { id, title, product, created_at: at } = purchase;
  const row = { key: id, title, name: title?.name ?? product?.name ?? {}, product, purchase, standing: standingOf(purchase), at };
  const films = purchase.status === 'paid' ? (purchase.grants ?? []) : [];
  if (films.length === 0) return [row];
  return films.map((grant) => {
    const of_grant = grants.find((other) => other.id === grant.id)?.title ?? null;
    return { ...row, key: `${id} ${grant.id}`, title: of_grant, name: of_grant?.name ?? row.name, standing: phaseOf(grant) };
  });
}

const READY: readonly Standing['is'][] = ['upcoming', 'unstarted', 'running', 'forever'];

function groupOf({ is }: Standing): Group {
  if (is === 'pending') return 'waiting';
  if (is === 'member' || is === 'coins') return 'besides';
  return READY.includes(is) ? 'ready' : 'past';
}

export function standingOf(purchase: Purchase): Standing {
  const { status, grant } = purchase;
  if (status === 'pending') return { is: 'pending' };
  if ((status === 'declined' || status === 'expired') && purchase.closed_because) {
    return { is: 'closed', because: purchase.closed_because, at: purchase.created_at };
  }
  if (status === 'declined') return { is: 'declined', at: purchase.created_at };
  if (status === 'expired') return { is: 'payment_expired', at: purchase.created_at };
  if (status === 'refunded') return { is: 'refunded', at: purchase.refunded_at ?? purchase.created_at };
  const { membership, coins } = purchase;
  if (membership) {
    const { starts_at: from, ends_at: until, ended_at } = membership;
    return ended_at ? { is: 'revoked', at: ended_at } : { is: 'member', from, until };
  }
  if (coins) return { is: 'coins', coins };
  // Paid a moment ago: the grant comes with the next answer.
  return grant ? phaseOf(grant) : { is: 'pending' };
}

function phaseOf(grant: Grant): Standing {
  const { expires_at, issued_at, revoked_at } = grant;
  if (grant.phase === 'revoked') return { is: 'revoked', at: revoked_at ?? expires_at ?? issued_at };
  if (grant.phase === 'expired' || grant.phase === 'start_by_passed') return { is: grant.phase, at: expires_at ?? issued_at };
  if (grant.phase === 'upcoming') return { is: 'upcoming', opens_at: grant.available_at ?? null };
  if (expires_at === null) return { is: 'forever' };
  const { phase: is, extended_seconds = 0 } = grant;
  return { is, until: expires_at, ...(extended_seconds > 0 ? { extended_seconds } : {}) };
}
