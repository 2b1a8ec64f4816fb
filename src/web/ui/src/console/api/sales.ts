// Orders, viewers, members and vouchers, as the API gives them to operators.

import type { ClosedBecause, Localized, Money } from '../../lib/api';
import { operator, type Page } from '../api';
import type { OfferKind } from './catalogue';
import type { FundedBy } from './shop';

export const purchaseStatuses = ['paid', 'pending', 'declined', 'expired', 'refunded'] as const;
export type PurchaseStatus = (typeof purchaseStatuses)[number];

export const productKinds = ['membership', 'coins', 'bundle'] as const;
export type ProductKind = (typeof productKinds)[number];

export interface ProductBrief {
  id: string;
  kind: ProductKind;
  name: Localized;
}

export interface PurchaseRow {
  id: string;
  status: PurchaseStatus;
  /** Why it expired although it was paid for. */
  closed_because?: ClosedBecause | null;
  /** None where a product was bought. */
  title_id: string | null;
  name: Localized;
  product: ProductBrief | null;
  coupon_id: string | null;
  /** What the coupon took off. */
  discount: Money | null;
  /** Who pays for that. */
  discount_funded_by: FundedBy | null;
  viewer_id: string;
  viewer_email: string;
  price: Money;
  is_member_price: boolean;
  /** From when members would have it without paying, as the buyer was told and agreed. */
  accepted_members_from_at?: string | null;
  territory: string | null;
  storefront_slug: string | null;
  /** By whose link the viewer came. */
  campaign?: string | null;
  provider: string;
  payment_id?: string;
  created_at: string;
  decided_at: string | null;
  refunded_at: string | null;
  livemode: boolean;
}

export interface Grant {
  id: string;
  title_id: string;
  title?: { id: string; name: Localized; poster_url: string | null };
  purchase_id?: string | null;
  voucher_id?: string | null;
  phase: string;
  issued_at: string;
  first_play_at: string | null;
  /** Before first play, by when it has to be started; null where it was bought for good. */
  expires_at: string | null;
  /** What outages have added to it. */
  extended_seconds?: number;
  streams: number;
  revoked_at: string | null;
}

export interface LedgerEntry {
  id: string;
  position: number;
  at: string;
  kind: string;
  hash: string;
  postings: { account: string; amount: number; currency: string }[];
}

export interface OrderEvent {
  at: string;
  kind: string;
  detail: Record<string, unknown> | null;
}

export interface OrderSession {
  id: string;
  part: number;
  opened_at: string;
}

export interface PurchaseDetail extends PurchaseRow {
  viewer: { id: string; email: string; display_name: string | null } | null;
  offer: { id: string; kind: OfferKind; list_price: Money; member_price: Money | null } | null;
  /** Of a bundle one for each title. */
  grants: Grant[];
  membership: { id: string; plan_id: string; starts_at: string; ends_at: string; ended_at: string | null } | null;
  coin_lots: CoinLot[];
  refund: { id: string; amount: Money; reason: string; created_at: string } | null;
  /** Why its money should go back, where a rule says so. */
  refund_rule: 'outage' | 'licence_withdrawn' | 'unstarted' | 'tried' | null;
  entries: LedgerEntry[];
  events: OrderEvent[];
  sessions: OrderSession[];
}

export interface RefundsDue {
  revoked_at: string | null;
  count: number;
  amounts: Money[];
}

export interface RefundsGiven {
  refunds: { purchase_id: string }[];
  failed: { purchase_id: string; code: string; message: string }[];
  left: number;
  next_cursor: string | null;
}

export interface PurchaseFilter {
  status?: string | null;
  title_id?: string | null;
  viewer?: string | null;
  from?: string | null;
  to?: string | null;
  query?: string | null;
}

export interface ViewerRow {
  id: string;
  email: string;
  display_name: string | null;
  created_at: string;
  member: boolean;
  purchases: number;
  spent: Money[];
}

export interface Membership {
  id: string;
  viewer_id: string;
  viewer_email?: string;
  plan_id: string;
  plan_name?: string;
  streams: number;
  starts_at: string;
  ends_at: string;
  ended_at?: string | null;
  active?: boolean;
}

export interface ViewerDetail extends Omit<ViewerRow, 'purchases'> {
  purchase_count?: number;
  /** Valid now. */
  sign_ins?: number;
  lock?: { age_limit: number; locked_until: string | null } | null;
  memberships: Membership[];
  grants: Grant[];
  purchases: PurchaseRow[];
}

/** Coins of a viewer that came together. */
export interface CoinLot {
  id: string;
  kind: CoinKind;
  coins: number;
  spent: number;
  /** What can still be spent of it. */
  left: number;
  cost: Money | null;
  expires_at: string | null;
  note: string;
  added_at: string;
  void_at: string | null;
}

export const coinKinds = ['paid', 'bonus'] as const;
export type CoinKind = (typeof coinKinds)[number];

export interface Unlock {
  id: string;
  title: { id: string; name: Localized; poster_url: string | null };
  part: number;
  /** Zero for a reward. */
  coins: number;
  unlocked_at: string;
}

export interface ViewerWallet {
  coins: number;
  lots: CoinLot[];
  unlocks: Unlock[];
}

export interface NewCoinLot {
  kind: CoinKind;
  coins: number;
  cost: Money | null;
  expires_at: string | null;
  note: string;
}

export interface Plan {
  id: string;
  name: string;
  streams: number;
}

export interface VoucherBatch {
  id: string;
  title: { id: string; name: Localized };
  offer: { id: string; kind: OfferKind; list_price: Money } | null;
  count: number;
  redeemed: number;
  expires_at: string;
  note: string;
  /** The circuit or party that sells them for us. */
  party_id: string | null;
  party_name: string | null;
  created_at: string;
  void_at: string | null;
}

export interface NewVouchers {
  title_id: string;
  offer_id: string;
  count: number;
  expires_at: string;
  note: string;
  party_id: string | null;
}

const segment = encodeURIComponent;

export function purchasePath(filter: PurchaseFilter, limit = 50): string {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filter)) if (value) query.set(name, value);
  return `/purchases?${query}`;
}

export const sales = {
  purchases(filter: PurchaseFilter, cursor: string | null, signal: AbortSignal): Promise<Page<PurchaseRow>> {
    return operator.page(purchasePath(filter), cursor, { signal });
  },
  allPurchases(filter: PurchaseFilter): Promise<PurchaseRow[]> {
    return operator.list(purchasePath(filter, 200));
  },
  purchase(id: string): Promise<PurchaseDetail> {
    return operator.call('GET', `/purchases/${segment(id)}`);
  },
  /** What a revoked licence makes due. */
  refundsDue(title_id: string): Promise<RefundsDue> {
    return operator.call('GET', `/titles/${segment(title_id)}/refunds-due`);
  },
  /** Gives back some of them, the first or those after the cursor. */
  giveRefundsDue(title_id: string, cursor: string | null): Promise<RefundsGiven> {
    const query = new URLSearchParams({ limit: '200', ...(cursor && { cursor }) });
    return operator.call('POST', `/titles/${segment(title_id)}/refunds-due?${query}`);
  },
  refund(id: string, reason: string, key: string): Promise<{ id: string; amount: Money }> {
    return operator.call('POST', `/purchases/${segment(id)}/refunds`, { body: { reason }, key });
  },
  resetLock(viewer_id: string, reason: string): Promise<void> {
    return operator.call('POST', `/viewers/${segment(viewer_id)}/lock/reset`, { body: { reason } });
  },
  revokeGrant(id: string, reason: string): Promise<Grant> {
    return operator.call('POST', `/grants/${segment(id)}/revoke`, { body: { reason } });
  },
  viewers(query: string, cursor: string | null, signal: AbortSignal): Promise<Page<ViewerRow>> {
    const params = new URLSearchParams({ limit: '50' });
    if (query !== '') params.set('query', query);
    return operator.page(`/viewers?${params}`, cursor, { signal });
  },
  viewer(id: string): Promise<ViewerDetail> {
    return operator.call('GET', `/viewers/${segment(id)}`);
  },
  wallet(viewer_id: string): Promise<ViewerWallet> {
    return operator.call('GET', `/viewers/${segment(viewer_id)}/wallet`);
  },
  addCoins(viewer_id: string, body: NewCoinLot, key: string): Promise<CoinLot> {
    return operator.call('POST', `/viewers/${segment(viewer_id)}/coin-lots`, { body, key });
  },
  voidCoins(lot_id: string, reason: string): Promise<CoinLot> {
    return operator.call('POST', `/coin-lots/${segment(lot_id)}/void`, { body: { reason } });
  },
  plans(): Promise<Plan[]> {
    return operator.list('/plans');
  },
  createPlan(body: { name: string; streams: number }, key: string): Promise<Plan> {
    return operator.call('POST', '/plans', { body, key });
  },
  memberships(active: boolean): Promise<Membership[]> {
    return operator.list(`/memberships?limit=200${active ? '&active=true' : ''}`, {}, 5_000);
  },
  createMembership(body: { email: string; plan_id: string; ends_at: string }, key: string): Promise<Membership> {
    return operator.call('POST', '/memberships', { body, key });
  },
  endMembership(id: string, reason: string): Promise<Membership> {
    return operator.call('POST', `/memberships/${segment(id)}/end`, { body: { reason } });
  },
  voucherBatches(): Promise<VoucherBatch[]> {
    return operator.list('/voucher-batches?limit=200');
  },
  createVouchers(body: NewVouchers, key: string): Promise<{ batch: VoucherBatch; codes: string[] }> {
    return operator.call('POST', '/voucher-batches', { body, key });
  },
  voidVouchers(id: string): Promise<VoucherBatch> {
    return operator.call('POST', `/voucher-batches/${segment(id)}/void`);
  },
};
