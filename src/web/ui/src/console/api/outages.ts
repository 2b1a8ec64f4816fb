// Outages: when viewers could not watch, and what was given back for it.

import { operator } from '../api';

export interface OutageEntry {
  /** Our own platform's, where there is none. */
  party_id: string | null;
  /** All of them, where none are named. */
  title_ids: string[] | null;
  from: string;
  to: string;
  reason: string;
}

/** What an outage comes to. */
export interface OutageEffect {
  extended_grants: number;
  /** All of them together. */
  extended_seconds: number;
  /** Of the party's viewers who were playing from this server. */
  extended_sessions?: number;
  refunds_due: number;
}

export interface Outage extends OutageEntry, OutageEffect {
  id: string;
  created_at: string;
  created_by: string;
}

export const outages = {
  all(): Promise<Outage[]> {
    return operator.list('/outages');
  },
  /** Counts, and writes nothing. */
  measure(body: OutageEntry): Promise<OutageEffect> {
    return operator.call('POST', '/outages?dry_run=true', { body });
  },
  record(body: OutageEntry, key: string): Promise<Outage> {
    return operator.call('POST', '/outages', { body, key });
  },
};
