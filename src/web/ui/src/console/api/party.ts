// What an account of another party may see: the titles that it produced or has a deal about, its deals, its codes.

import type { Localized } from '../../lib/api';
import { partner } from '../api';
import type { Avail, ComplianceState, Territories, TitleSales, TitleStatus } from './catalogue';
import type { DealDelivery } from './deliveries';
import type { Alarm, Carriage } from './partners';

export const relations = ['producer', 'deal'] as const;
export type Relation = (typeof relations)[number];

export interface PartyTitleRow {
  id: string;
  name: Localized;
  status: TitleStatus;
  runtime_ms: number;
  relation: Relation[];
  /** Of one's own film only. */
  licence_state: ComplianceState | null;
}

/** A deal as its own party sees it. */
export interface PartyDeal {
  id: string;
  title_id: string;
  /** Of the title. */
  name: Localized;
  /** Its viewers play from this server. */
  from_us: boolean;
  /** One by one. */
  territories: string[];
  start_at: string;
  end_at: string | null;
  zone: string;
  opened_at: string | null;
  revoked_at: string | null;
  alarm: Alarm | null;
  /** How the files that the party was sent stand. */
  delivery?: DealDelivery | null;
  /** Parts of a broadcast near its opening that the party has accepted no file of. */
  missing_parts: number[];
}

/** A deal as it stands on the page of its title. */
export interface TitleDeal extends Pick<PartyDeal, 'id' | 'start_at' | 'end_at' | 'zone' | 'opened_at' | 'revoked_at' | 'alarm'> {
  party_name: string;
  /** The party's that looks. */
  own: boolean;
  carriage: Carriage;
  territories: Territories;
  delivery?: Pick<DealDelivery, 'status'> | null;
}

export interface PartyTitle extends PartyTitleRow {
  /** For a producer alone. */
  windows: Avail[];
  /** For a producer those of everybody, for others their own. */
  deals: TitleDeal[];
}

export interface PackageKey {
  deal_id: string;
  package: string;
  /** Sixteen bytes in hex. */
  key: string;
}

export interface CodeBatch {
  id: string;
  title: { id: string; name: Localized };
  count: number;
  redeemed: number;
  created_at: string;
  expires_at: string;
  /** When the rest was taken back. */
  void_at: string | null;
}

export interface PartyOutage {
  id: string;
  /** All of the party's, where none are named. */
  title_ids: string[] | null;
  from: string;
  to: string;
  reason: string;
  extended_grants: number;
  /** Of its viewers who were playing from this server. */
  extended_sessions?: number;
}

const segment = encodeURIComponent;
const titleAt = (id: string) => `/titles/${segment(id)}`;
const dealAt = (id: string) => `/deals/${segment(id)}`;

export const party = {
  titles(): Promise<PartyTitleRow[]> {
    return partner.list('/titles');
  },
  title(id: string): Promise<PartyTitle> {
    return partner.call('GET', titleAt(id));
  },
  sales(id: string, query: { from: string; to: string; zone: string }): Promise<TitleSales> {
    return partner.call('GET', `${titleAt(id)}/sales?${new URLSearchParams(query)}`);
  },
  deals(): Promise<PartyDeal[]> {
    return partner.list('/deals');
  },
  deal(id: string): Promise<PartyDeal> {
    return partner.call('GET', dealAt(id));
  },
  reportPremiere(deal_id: string, opened_at: string): Promise<PartyDeal> {
    return partner.call('POST', '/premieres', { body: { deal_id, opened_at } });
  },
  /** Each time is a line of the operators' audit log. */
  packageKey(deal_id: string): Promise<PackageKey> {
    return partner.call('GET', `${dealAt(deal_id)}/package-key`);
  },
  codes(): Promise<CodeBatch[]> {
    return partner.list('/voucher-batches');
  },
  outages(): Promise<PartyOutage[]> {
    return partner.list('/outages');
  },
};
