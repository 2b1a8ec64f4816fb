// What a viewer has and had: purchases and redeemed codes, each with what may still be done with it.

import type { Grant, GrantRow, Purchase, TitleBrief } from './api';

export type Standing =
  | { is: 'unstarted'; until: string }
  | { is: 'running'; until: string }
  /** Null where the grant does not say when its film opens. */
  | { is: 'upcoming'; opens_at: string | null }
  | { is: 'pending' }
  | { is: 'expired' | 'start_by_passed' | 'revoked' | 'refunded' | 'declined' | 'payment_expired'; at: string };

export interface Holding {
  key: string;
  title: TitleBrief;
  /** Null for what a code gave. */
  purchase: Purchase | null;
  standing: Standing;
}

export type Group = 'waiting' | 'ready' | 'past';

/** The newest first, in each group. */
export function holdingsOf(purchases: readonly Purchase[], grants: readonly GrantRow[]): Record<Group, Holding[]> {
  const bought = purchases.map((purchase) => ({
    key: purchase.id,
    title: purchase.title,
    purchase,
    standing: standingOf(purchase),
    at: purchase.created_at,
  }));
  const given = grants
    .filter((grant) => grant.purchase_id === null)
    .map((grant) => ({
      key: grant.id,
      title: grant.title,
      purchase: null,
      standing: phaseOf(grant),
      at: grant.issued_at,
    }));
  const all = [...bought, ...given].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
  const of = (group: Group) => all.filter((holding) => groupOf(holding.standing) === group);
  return { waiting: of('waiting'), ready: of('ready'), past: of('past') };
}

function groupOf({ is }: Standing): Group {
  if (is === 'pending') return 'waiting';
  return is === 'upcoming' || is === 'unstarted' || is === 'running' ? 'ready' : 'past';
}

export function standingOf(purchase: Purchase): Standing {
  const { status, grant } = purchase;
  if (status === 'pending') return { is: 'pending' };
  if (status === 'declined') return { is: 'declined', at: purchase.created_at };
  if (status === 'expired') return { is: 'payment_expired', at: purchase.created_at };
  if (status === 'refunded') return { is: 'refunded', at: purchase.refunded_at ?? purchase.created_at };
  // Paid a moment ago: the grant comes with the next answer.
  return grant ? phaseOf(grant) : { is: 'pending' };
}

function phaseOf(grant: Grant): Standing {
  if (grant.phase === 'revoked') return { is: 'revoked', at: grant.revoked_at ?? grant.expires_at };
  if (grant.phase === 'expired' || grant.phase === 'start_by_passed') return { is: grant.phase, at: grant.expires_at };
  if (grant.phase === 'upcoming') return { is: 'upcoming', opens_at: grant.available_at ?? null };
  return { is: grant.phase, until: grant.expires_at };
}
