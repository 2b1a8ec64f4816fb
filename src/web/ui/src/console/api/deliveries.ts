// Which files parties were sent for deals under which they show a copy of their own, and what they say of them.

import { operator, partner } from '../api';

export type DeliveryStatus = 'sent' | 'accepted' | 'rejected' | 'recalled';

export interface DeliveryEntry {
  /** Counted from 1. */
  part: number;
  file_name: string;
  format: string;
  /** 64 hex digits. */
  sha256: string;
  size_bytes: number;
  runtime_seconds: number | null;
  method: string;
  note: string | null;
  sent_at: string;
}

export interface Delivery extends DeliveryEntry {
  id: string;
  deal_id: string;
  /** How much longer it is than the part as it was packaged here, where both are known. */
  differs_seconds: number | null;
  /** For operators only. */
  sent_by: string | null;
  created_at: string;
  status: DeliveryStatus;
  answered_at: string | null;
  answered_by: string | null;
  /** An operator wrote the answer down for the party; null where there is none. */
  answered_for_party: boolean | null;
  /** Why it was recalled, or else what the party said. */
  reason: string | null;
  recalled_at: string | null;
}

/** Of the newest of each part of a deal that is not recalled, the least settled: rejected, then sent, then accepted. */
export interface DealDelivery {
  id: string;
  status: Exclude<DeliveryStatus, 'recalled'>;
  sent_at: string;
}

export interface DeliveryAnswer {
  accepted: boolean;
  /** Needed where it is not. */
  reason: string | null;
}

const segment = encodeURIComponent;
const under = (deal_id: string) => `/deals/${segment(deal_id)}/deliveries`;

export const deliveries = {
  /** Newest first. */
  of(deal_id: string): Promise<Delivery[]> {
    return operator.list(under(deal_id));
  },
  record(deal_id: string, body: DeliveryEntry, key: string): Promise<Delivery> {
    return operator.call('POST', under(deal_id), { body, key });
  },
  recall(id: string, reason: string): Promise<Delivery> {
    return operator.call('POST', `/deliveries/${segment(id)}/recall`, { body: { reason } });
  },
  /** For a party that has said so in another way. */
  answer(id: string, body: DeliveryAnswer): Promise<Delivery> {
    return operator.call('POST', `/deliveries/${segment(id)}/answer`, { body });
  },
};

/** The same for the party itself. */
export const partyDeliveries = {
  of(deal_id: string): Promise<Delivery[]> {
    return partner.list(under(deal_id));
  },
  answer(deal_id: string, id: string, body: DeliveryAnswer): Promise<Delivery> {
    return partner.call('POST', `${under(deal_id)}/${segment(id)}/answer`, { body });
  },
};
