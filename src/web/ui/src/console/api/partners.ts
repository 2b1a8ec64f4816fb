// Other parties that show our titles, and the deals by which they do.

import type { Localized, Money, Slot } from '../../lib/api';
import { operator } from '../api';
import type { FormatProfile, Languages, LicenseType, Territories } from './catalogue';
import type { DealDelivery } from './deliveries';

export const partyKinds = ['partner', 'circuit', 'broadcaster', 'distributor', 'producer'] as const;
export type PartyKind = (typeof partyKinds)[number];

export interface Signer {
  issuer: string;
  jwks_url: string;
}

export interface PartyEntry {
  name: string;
  kind: PartyKind;
  signer: Signer | null;
}

export interface Party extends PartyEntry {
  id: string;
  created_at: string;
  version: number;
}

export const carriageKinds = ['platform', 'cinema', 'broadcast'] as const;
export type CarriageKind = (typeof carriageKinds)[number];

export type Carriage =
  /** Its viewers play from this server where `streams` says in how many places at once. */
  | { kind: 'platform'; license_type: LicenseType; price: Money | null; streams: number | null }
  | { kind: 'cinema' }
  /** `slots` are the runs that are settled; with `catch_up` the channel may show it again when a viewer asks. */
  | { kind: 'broadcast'; channel: string; clearance: string; runs: number; slots: Slot[]; catch_up: boolean };

export const mediums = ['vod', 'est', 'svod', 'avod', 'cinema', 'broadcast'] as const;
export type Medium = (typeof mediums)[number];

export interface Exclusivity {
  with_us: boolean;
  with: string[];
  /** Empty: what the deal itself is about. */
  media: Medium[];
}

export type Alarm = 'early' | 'late' | 'unreported';

export interface DealEntry {
  party_id: string;
  contract: string | null;
  carriage: Carriage;
  territories: Territories;
  languages: Languages | null;
  format_profile: FormatProfile;
  start_at: string;
  end_at: string | null;
  zone: string;
  exclusivity: Exclusivity | null;
}

export interface Deal extends DealEntry {
  id: string;
  title: { id: string; name: Localized; poster_url: string | null };
  party_name: string;
  opened_at: string | null;
  drift_ms: number | null;
  alarm: Alarm | null;
  /** How the files that its party was sent stand. */
  delivery?: DealDelivery | null;
  /** Parts of a broadcast near its opening that the channel has accepted no file of. */
  missing_parts: number[];
  /** When it was taken back. */
  revoked_at?: string | null;
}

export type DealEdit = Partial<Pick<Deal, 'start_at' | 'end_at' | 'opened_at'>> & { slots?: Slot[] };

/** What speaks against a deal: a window of ours, another deal or a holdback. */
export interface DealConflict {
  avail_id: string | null;
  deal_id: string | null;
  holdback_id: string | null;
  territories: Territories;
  from: string;
  to: string | null;
  days: number | null;
  /** Of a window of ours that waits for the deal: to whom it was promised that it opens later. */
  party?: string | null;
}

/** Where its party could offer nothing in China as the title stands there. */
export interface DealWarning {
  license_type: LicenseType;
  territories: Territories;
  from: string;
  to: string | null;
  days: number | null;
  code: 'LICENCE_REQUIRED' | 'ORIGIN_UNKNOWN';
}

export interface WrittenDeal extends Deal {
  warnings: DealWarning[];
}

const segment = encodeURIComponent;
const of = (id: string) => `/deals/${segment(id)}`;
const at = (title_id: string) => `/titles/${segment(title_id)}/deals`;

export const partners = {
  parties(): Promise<Party[]> {
    return operator.list('/parties');
  },
  createParty(body: PartyEntry, key: string): Promise<Party> {
    return operator.call('POST', '/parties', { body, key });
  },
  /** Only the version that was seen is changed. */
  async editParty({ id, version }: Pick<Party, 'id' | 'version'>, body: Pick<PartyEntry, 'name' | 'signer'>): Promise<Party> {
    return (await operator.exchange<Party>('PATCH', `/parties/${segment(id)}`, { body, if_match: `"${version}"` })).body;
  },
  /** All that are not over, by their opening. */
  board(): Promise<Deal[]> {
    return operator.list('/deals');
  },
  deals(title_id: string): Promise<Deal[]> {
    return operator.list(at(title_id));
  },
  createDeal(title_id: string, body: DealEntry, key: string): Promise<WrittenDeal> {
    return operator.call('POST', at(title_id), { body, key });
  },
  revokeDeal(id: string, reason: string): Promise<Deal> {
    return operator.call('POST', `${of(id)}/revoke`, { body: { reason } });
  },
  editDeal(id: string, body: DealEdit): Promise<WrittenDeal> {
    return operator.call('PATCH', of(id), { body });
  },
  deleteDeal(id: string): Promise<void> {
    return operator.call('DELETE', of(id));
  },
};
