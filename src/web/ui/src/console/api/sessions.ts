// Playback sessions: who watches what, by which right, how well, and why they may.

import { operator, queryOf, type Localized } from '../api';
import type { Explanation } from './explain';

export const vias = ['grant', 'membership', 'unlock', 'free', 'external', 'screener', 'partner', 'trailer', 'preview'] as const;
export type Via = (typeof vias)[number];

export interface SessionQoe {
  startup_ms: number | null;
  rebuffer_ms: number;
  stalls: number;
  watched_ms: number;
  errors: string[];
  rung_now: { bitrate_bps: number; width: number; height: number } | null;
}

export interface Session {
  id: string;
  /** None where a film is watched without an account. */
  viewer_id: string | null;
  viewer_email?: string | null;
  title_id: string;
  name?: Localized;
  part: number;
  via: Via;
  device?: string | null;
  territory?: string | null;
  /** By whose link the viewer came. */
  campaign?: string | null;
  opened_at: string;
  expires_at: string;
  ends_at: string | null;
  ended_at?: string | null;
  revoked_at?: string | null;
  qoe?: SessionQoe | null;
}

export interface TimelineEvent {
  at: string;
  source: 'player' | 'cmcd' | 'server';
  kind: string;
  detail: Record<string, unknown>;
}

const of = (id: string) => `/playback-sessions/${encodeURIComponent(id)}`;

/** Those that are open, newest first. */
export const openSessions = (signal?: AbortSignal): Promise<Session[]> =>
  operator.list(`/playback-sessions${queryOf({ limit: 100 })}`, signal ? { signal } : {}, 2_000);
export const session = (id: string, signal: AbortSignal): Promise<Session> => operator.call('GET', of(id), { signal });
export const sessionTimeline = (id: string, signal: AbortSignal): Promise<TimelineEvent[]> =>
  operator.call<TimelineEvent[] | { data: TimelineEvent[] }>('GET', `${of(id)}/timeline`, { signal })
    .then((answer) => (Array.isArray(answer) ? answer : answer.data));
export const sessionExplanation = (id: string, signal: AbortSignal): Promise<Explanation> =>
  operator.call('GET', `${of(id)}/explain`, { signal });
export const revokeSession = (id: string, reason: string): Promise<void> =>
  operator.call('POST', `${of(id)}/revoke`, { body: { reason } });
