// Invitations: named viewers who may watch a title before or beside everybody else.

import type { Localized } from '../../lib/api';
import { operator } from '../api';
import type { Territories } from './catalogue';

export const screenerKinds = ['festival', 'press', 'jury', 'internal'] as const;
export type ScreenerKind = (typeof screenerKinds)[number];

export interface ScreenerEntry {
  /** An id or a whole address. */
  viewer: string;
  kind: ScreenerKind;
  starts_at: string | null;
  ends_at: string;
  streams: number;
  /** Anywhere, where there are none. */
  territories: Territories | null;
  note: string | null;
}

export interface Screener extends Omit<ScreenerEntry, 'viewer' | 'starts_at'> {
  id: string;
  title: { id: string; name: Localized; poster_url: string | null };
  viewer_id: string;
  viewer_email: string | null;
  phase: 'upcoming' | 'open' | 'over' | 'revoked';
  starts_at: string;
  created_at: string;
  revoked_at: string | null;
}

const segment = encodeURIComponent;

export const screeners = {
  ofTitle(title_id: string): Promise<Screener[]> {
    return operator.list(`/titles/${segment(title_id)}/screeners`);
  },
  ofViewer(viewer_id: string): Promise<Screener[]> {
    return operator.list(`/viewers/${segment(viewer_id)}/screeners`);
  },
  invite(title_id: string, body: ScreenerEntry, key: string): Promise<Screener> {
    return operator.call('POST', `/titles/${segment(title_id)}/screeners`, { body, key });
  },
  revoke(id: string, reason: string): Promise<Screener> {
    return operator.call('POST', `/screeners/${segment(id)}/revoke`, { body: { reason } });
  },
};
