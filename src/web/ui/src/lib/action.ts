// What the one button of a title does for this caller, now.

import { isFinished, type Place } from '../player/resume';
import type { Offer, Title } from './api';

export type Action =
  | { does: 'play'; starts_clock: boolean }
  | { does: 'resume'; progress: Place }
  /** `buy` a premiere, `rent` for a while, `keep` for good. */
  | { does: 'buy' | 'rent' | 'keep' | 'preorder'; offer: Offer }
  /** A series that begins with an episode for coins. */
  | { does: 'unlock'; part: number; coins: number }
  /** For members, and one can become one here. */
  | { does: 'join' }
  /** For members, and the caller has not said who they are. */
  | { does: 'sign_in' }
  /** For members, and the caller is none. */
  | { does: 'members_only' }
  /** `owned`: it is paid for and waits for its opening. `for_members`: it opens for members. */
  | { does: 'wait'; opens_at: string; owned: boolean; for_members: boolean }
  | { does: 'nothing'; code: string };

const DOES = { pvod: 'buy', rental: 'rent', buy: 'keep' } as const;
/** The first seconds are a beginning. */
const HEAD_MS = 5_000;

export function resumable(progress: Place | null | undefined): Place | null {
  if (!progress || progress.position_ms < HEAD_MS || isFinished(progress)) return null;
  return progress;
}

export function actionOf(title: Title, caller: { signed_in: boolean; can_join?: boolean }): Action {
  const { decision } = title;
  if (decision.allow) {
    const progress = resumable(title.progress);
    return progress ? { does: 'resume', progress } : { does: 'play', starts_clock: decision.starts_clock };
  }
  const opens_at = decision.next?.find((step) => step.action === 'wait')?.opens_at ?? title.opens_at ?? null;
  if (decision.acquired || (title.state === 'acquired' && decision.code === 'WINDOW_NOT_OPEN')) {
    if (opens_at !== null) return { does: 'wait', opens_at, owned: true, for_members: false };
    return { does: 'nothing', code: decision.code };
  }
  if (['TITLE_SUSPENDED', 'LICENCE_REQUIRED', 'LICENCE_REVOKED', 'GEO_NOT_LICENSED'].includes(decision.code)) {
    return { does: 'nothing', code: decision.code };
  }
  const unlock = decision.next?.find((step) => step.action === 'unlock');
  if (unlock) return { does: 'unlock', part: unlock.part, coins: unlock.coins };
  const offer = mainOffer(title);
  if (offer) return { does: offer.presale ? 'preorder' : DOES[offer.kind], offer };
  if (decision.code === 'MEMBERSHIP_REQUIRED' || decision.next?.some((step) => step.action === 'join')) {
    if (caller.can_join) return { does: 'join' };
    return { does: caller.signed_in ? 'members_only' : 'sign_in' };
  }
  if (opens_at !== null) {
    const opening = title.windows?.filter((window) => window.start_at === opens_at) ?? [];
    const for_members = opening.length > 0 && opening.every((window) => window.license_type === 'svod');
    return { does: 'wait', opens_at, owned: false, for_members };
  }
  return { does: 'nothing', code: decision.code };
}

/** The offer that the button sells: the server's own choice, else the cheapest that is on sale. */
export function mainOffer(title: Title): Offer | null {
  const on_sale = onSale(title);
  const next = title.decision.allow ? [] : (title.decision.next ?? []);
  const chosen = next.flatMap((step) => (step.action === 'buy' ? [step.offer_id] : []));
  return on_sale.find((offer) => chosen.includes(offer.id)) ?? on_sale[0] ?? null;
}

/** What can be bought now: open windows before presales, and the cheaper first. */
export function onSale(title: Title): Offer[] {
  const open = title.offers.filter((offer) => offer.on_sale);
  return open.sort(
    (one, other) => Number(one.presale ?? false) - Number(other.presale ?? false) || one.price.amount - other.price.amount,
  );
}

/** What this caller can choose from now: whoever may watch for a while may still buy it for good. */
export function choicesOf(title: Title): Offer[] {
  const on_sale = onSale(title);
  if (!title.decision.allow) return on_sale;
  return isForGood(title) ? [] : on_sale.filter((offer) => offer.kind === 'buy');
}

/** The caller has bought it without an end. */
export function isForGood({ decision }: Pick<Title, 'decision'>): boolean {
  return decision.allow && decision.via === 'grant' && !decision.ends_at && !decision.starts_clock;
}

/** What will be sold later: its window or its presale opens. */
export function comingOffers(title: Title, now: Date): Offer[] {
  return title.offers.filter((offer) => !offer.on_sale && Date.parse(offer.opens_at) > now.getTime());
}
